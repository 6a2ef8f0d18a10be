"""Measure the time per answer and the answers per second: python benchmarks/prediction.py.

Times one drawing of 280x280 pixels at a time, from its pixels to the answer, and many images at
once, compared with the plain network. All networks take turns in one run, so that other work on
the machine affects all of them. Times are medians and 95th percentiles. Writes
docs/prediction.json.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import parts  # noqa: E402
from several import single  # noqa: E402

from mnist_app.common import machine, memory  # noqa: E402
from mnist_app.common.files import write_text  # noqa: E402
from mnist_app.data import bundled, training_data  # noqa: E402
from mnist_app.drawing import pen  # noqa: E402
from mnist_app.drawing.normal_form import to_mnist  # noqa: E402
from mnist_app.recognition.predictor import Predictor  # noqa: E402
from mnist_app.results import weights  # noqa: E402

DRAWINGS = 40
Times = dict[str, list[float]]


@click.command()
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1))
@click.option("--images", default=200, show_default=True, help="Images at once.")
@click.option("--threads", type=click.IntRange(1), help="Default: torch's own.")
@click.option("--seed", default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(rounds: int, images: int, threads: int | None, seed: int, output: Path) -> None:
    """Measure all networks in weights/."""
    torch.set_num_threads(threads or torch.get_num_threads())
    memory.give_back_freed_memory()  # as the app does
    predictors = {info.name: Predictor.load(info.name) for info in weights.list_weights()}
    drawn = _drawings(np.random.default_rng(seed))
    result = {
        "threads": torch.get_num_threads(),
        "seed": seed,
        "machine": machine.machine_facts(),
        "one": _one_at_a_time(predictors, drawn, rounds),
        "many": _many_at_once(predictors, images, rounds, seed),
        "profile": parts.shares(drawn),
    }
    print("\n".join(table(result)))
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / "prediction.json", json.dumps(result, indent=1) + "\n")


def _drawings(random: np.random.Generator) -> list[np.ndarray]:
    """Draw digits on the app's canvas: pen strokes, or else the bundled digits, enlarged."""
    if writers := training_data.load_pen_digits():
        return [single(writers, random)[1] for _ in range(DRAWINGS)]
    images = bundled.load_bundled().test.images[:DRAWINGS].numpy()
    return [pen.canvas_rgba(np.kron(image, np.ones((10, 10), np.uint8))) for image in images]


def _one_at_a_time(
    predictors: dict[str, Predictor], drawings: list[np.ndarray], rounds: int
) -> list[dict[str, Any]]:
    """Measure the milliseconds of the normal form, of a prediction, and of reading a number."""
    form: list[float] = []
    times: dict[str, Times] = {name: {"predict": [], "read": []} for name in predictors}
    for _ in range(rounds):
        form += [_milliseconds(to_mnist, rgba) for rgba in drawings]
        for name, predictor in predictors.items():
            predictor.read_number(drawings[0])  # warm up
            works = {"predict": predictor.predict, "read": predictor.read_number}
            for key, work in works.items():
                times[name][key] += [_milliseconds(work, rgba) for rgba in drawings]
    return [
        {
            "network": name,
            "n": len(form),
            "parameters": predictors[name].info.parameters,
            "bytes": predictors[name].info.bytes,
            "normal_form_ms": _quantiles(form),
            **{f"{key}_ms": _quantiles(values) for key, values in own.items()},
        }
        for name, own in times.items()
    ]


def _many_at_once(
    predictors: dict[str, Predictor], count: int, rounds: int, seed: int
) -> list[dict[str, Any]]:
    """Measure images per second, of our predictions and of the plain network, `count` at once."""
    x = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    times: dict[str, Times] = {name: {"ours": [], "plain": []} for name in predictors}
    for _ in range(rounds):
        for name, predictor in predictors.items():
            times[name]["ours"].append(_milliseconds(predictor.predict_images, x))
            times[name]["plain"].append(_milliseconds(_plain(predictor), x))
    return [
        {
            "network": name,
            "images": count,
            "rounds": rounds,
            **{
                f"{key}_per_second": 1000 * count / _quantiles(values)[0]
                for key, values in own.items()
            },
        }
        for name, own in times.items()
    ]


def _plain(predictor: Predictor) -> Callable[[torch.Tensor], torch.Tensor]:
    return torch.inference_mode()(predictor.model)


def _milliseconds(work: Callable[[Any], Any], argument: Any) -> float:
    start = time.perf_counter()
    work(argument)
    return 1000 * (time.perf_counter() - start)


def _quantiles(values: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    median, late = np.quantile(values, [0.5, 0.95])
    return float(median), float(late)


def table(result: dict[str, Any]) -> list[str]:
    """Return the measurements as lines of Markdown."""
    one, many = result["one"], {row["network"]: row for row in result["many"]}
    form, n = one[0]["normal_form_ms"], one[0]["n"]
    lines = [
        "The time to read one drawing, in ms: median (95th percentile) of "
        f"n = {n} answers, with {result['threads']} threads. The normal form takes {form[0]:.2f} "
        f"({form[1]:.2f}) ms of it. Images/s is measured with many images at once; the plain "
        "network is the torch module alone.",
        "",
        "| network | parameters | MB | one digit | a number, as in the app | images/s "
        "| plain network, images/s | ratio |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in one:
        own = many[row["network"]]
        ours, plain = own["ours_per_second"], own["plain_per_second"]
        spans = [f"{row[f'{key}_ms'][0]:.1f} ({row[f'{key}_ms'][1]:.1f})" for key in WAYS]
        lines.append(
            f"| {row['network']} | {row['parameters']:,} | {row['bytes'] / 1e6:.1f} "
            f"| {spans[0]} | {spans[1]} | {ours:,.0f} | {plain:,.0f} | {ours / plain:.2f} |"
        )
    return [*lines, *_profile(*result["profile"])]


PROFILE = """
Where the normal form spends its time, by Python's profiler, which makes small functions look slower
than they are. scipy's distance transforms, used in several steps, take {transforms:.0%} of the
total. The rest of the time for an answer is the network's.

| step of the normal form | share |
|---|--:|"""


def _profile(steps: parts.Shares, transforms: float) -> list[str]:
    """Return the table with a row for each step, the one with the greatest share first."""
    largest = sorted(steps.items(), key=lambda item: -item[1])
    lines = PROFILE.format(transforms=transforms).splitlines()
    return [*lines, *(f"| {name} | {share:.0%} |" for name, share in largest)]


WAYS = "predict", "read"

if __name__ == "__main__":
    main()
