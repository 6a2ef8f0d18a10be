"""Write docs/performance.md and its chart.

The results come from training.py, app.py and prediction.py.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import prediction  # noqa: E402
from memory import IMPORT  # noqa: E402
from steps import MEASURED, REST  # noqa: E402

from mnist_app.common import machine  # noqa: E402
from mnist_app.common.files import write_text  # noqa: E402

Result = dict[str, Any]

HEAD = """\
# Performance

How fast do the presets train, how soon does the app answer, and how long does a prediction take?
Whatever is compared took turns in one run, so other work on the machine slowed both sides.

    make bench

{machine}.

## At a glance

| | measured | n | target | |
|---|--:|--:|--:|---|"""
TRAINING = """
## Training

The time for one epoch of each preset, over {rounds} rounds with {threads} threads: our loop against
the usual one. The usual loop is a DataLoader over torchvision's MNIST with ToTensor, and with
RandomAffine if the preset moves or distorts its images. Network, batch size and optimizer are the
same. Our loop computes in bfloat16 if the preset says so. The usual loop computes in float32,
without weight averaging or label smoothing.

Each round trains on the number of images in the table, and its time is scaled to a whole epoch.
Accuracy is measured on 1,000 test images after training on just those images: mean ± standard
deviation over the rounds' seeds. The drawings that `canvas` adds to MNIST are left out.

![Seconds per epoch](performance.svg)

| preset | ours, s | usual, s | speed-up | target | images | accuracy, ours | usual | GFLOP/s |
|---|--:|--:|--:|--:|--:|--:|--:|--:|"""
CEILING = """
GFLOP/s counts the operations that the network's layers need, forward and backward. The machine's
peak in the same run, in GFLOP/s: {ceiling}."""
SPEED_RUN = """
## The speed run

From nothing to a trained network, with the images already in memory. Our preset,
`speedrun`, sees 44,000 images. The other one is a well-known public speed run, which sees all
60,000 once, in the order of the file (convolutions of 24 and 32 channels, a dense layer of 256,
Adam, one cycle).

| | seconds, median | test accuracy | seeds |
|---|--:|--:|--:|"""
PROFILE = """
### Where a step spends its time

Each kind of operation's share of the time, from torch's profiler over {steps} steps. The profiler
makes small operations look slower than they are. The last column estimates the speed-up if only the
largest kind of work were left.

| preset | {kinds} | speed-up, largest kind alone |
|---|{rule}--:|"""
MEMORY = """
## Memory

The peak memory of a process that trains the preset, with its real number of images. The process
loads torch, then the data set (with any drawings added to it, and the libraries that draw them),
then trains and evaluates. A process that only imports torch peaks at {torch:.0f} MB.

| preset | peak until the data set is ready, MB | peak overall, MB |
|---|--:|--:|"""
APP = """
## The app

Measured in headless Chromium that has shown a page before, with server and browser on the same
machine and digits in real handwriting. A stroke is sent when the pen is lifted; left to itself, the
canvas component would wait 200 ms for another one.

| | median | 95th percentile | n |
|---|--:|--:|--:|"""
PANELS = """
### The expanders below the canvas

The time from lifting the pen to new probabilities, with the network `canvas`: without the
expanders, with all of them closed (these two took turns), and with one of them open.

| expanders | median, ms | 95th percentile, ms | server's CPU, ms | n |
|---|--:|--:|--:|--:|"""
PREDICTION = """
## Prediction
"""
GPU = """
Training on a GPU was not measured, because none was available. The same code runs there, with the
whole data set in GPU memory; the tests run it on the CPU."""

MOST_TRAINING_MB, MOST_APP_MB = 700, 900
QUICK = "mlp", "lenet5"  # need a greater ratio than other networks


@click.command()
@click.argument("docs", type=click.Path(exists=True, path_type=Path), default=ROOT / "docs")
def main(docs: Path) -> None:
    """Write the page from the JSON files in DOCS."""
    results = {
        name: json.loads((docs / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("training", "app", "prediction")
    }
    machines = [result["machine"] for result in results.values()]
    lines = [HEAD.format(machine=machine.describe_machines(machines)), *_glance(results)]
    lines += [*_training(results["training"]), *_app(results["app"]), PREDICTION]
    lines += [*prediction.table(results["prediction"]), ""]
    if not any(facts["device"] == "CUDA" for facts in machines):
        lines.insert(-1, GPU)
    write_text(docs / "performance.md", "\n".join(lines))
    write_text(docs / "performance.svg", chart(results["training"]["epochs"]["rows"]))


def _glance(results: dict[str, Result]) -> Iterator[str]:
    """Yield a row for each target, with what was measured and whether it is reached."""
    training, app = results["training"], results["app"]
    rows, rounds = training["epochs"]["rows"], training["epochs"]["rounds"]
    for words, wanted in (("MLPs and LeNet-5", 4), ("CNNs", 3)):
        own = [row for row in rows if _wanted(row) == wanted]
        if not own:
            continue
        least = min(own, key=lambda r: r["ratio"])
        text = f"{least['ratio']:.1f} ({least['preset']})"
        name, reached = f"smallest speed-up per epoch, {words}", least["ratio"] >= wanted
        yield _line(name, text, rounds, f"at least {wanted}", reached)
    ours, public = training["speedrun"]
    mean, share = ours["accuracy"][0], ours["seconds"] / public["seconds"]
    n, took = ours["seeds"], ours["seconds"]
    yield _line("speed run, mean accuracy", f"{mean:.2%}", n, "at least 99.00%", mean >= 0.99)
    name = "speed run, share of the public run's time"
    yield _line(name, f"{share:.2f}", n, "at most 0.2", share <= 0.2)
    yield _line("speed run, seconds", f"{took:.2f}", n, "1 (aim)", took <= 1)
    yield _most("peak memory of a training, MB", _peak(training), 1, MOST_TRAINING_MB)
    yield from _app_glance(app)
    row = next(r for r in results["prediction"]["one"] if r["network"] == "canvas")
    yield _most("prediction by `canvas`, median ms", row["predict_ms"][0], row["n"], 5)
    yield _most("normal form, median ms", row["normal_form_ms"][0], row["n"], 1.5)


def _wanted(row: Result) -> int:
    """Return the ratio that a preset should reach."""
    return 4 if row["preset"].startswith(QUICK) else 3


def _app_glance(app: Result) -> Iterator[str]:
    alone, beside = app["answer"]["alone_ms"], app["answer"]["beside_training_ms"]
    yield _quantile("pen up to new probabilities, median ms", alone, "p50", 280)
    yield _quantile("the same, 95th percentile, ms", alone, "p95", 350)
    yield _quantile("the same during a training, 95th percentile, ms", beside, "p95", 450)
    yield _quantile(
        "cold start until the canvas is there, median s", app["start"]["cold_s"], "p50", 4
    )
    yield _quantile("second browser, median s", app["start"]["second_browser_s"], "p50", 1.5)
    yield _quantile("switching networks, median ms", app["pages"]["network_ms"], "p50", 400)
    for key in ("tab_Data_ms", "tab_Evaluate_ms", "tab_Compare_ms"):
        yield _quantile(f"{_tab(key)}, median ms", app["pages"][key], "p50", 1000)
    followed = sum(app["traffic"]["bytes_per_second_followed"].values()) / 1000
    yield _most("following a training, kB/s", followed, 1, 50)
    yield _most("server with four networks, MB", app["memory"]["four_networks_mb"], 1, MOST_APP_MB)


def _quantile(what: str, values: Result, which: str, limit: float) -> str:
    return _most(what, values[which], values["n"], limit)


def _peak(training: Result) -> float:
    return max(row["peak_mb"] for row in _trainings(training))


def _trainings(training: Result) -> list[Result]:
    return [row for row in training["memory"] if row["preset"] != IMPORT]


def _most(what: str, value: float, n: int, limit: float) -> str:
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return _line(what, text, n, f"at most {limit:g}", value <= limit)


def _line(what: str, value: str, n: int, wanted: str, reached: bool) -> str:
    return f"| {what} | {value} | {n} | {wanted} | {'' if reached else 'missed'} |"


def _training(training: Result) -> Iterator[str]:
    epochs = training["epochs"]
    yield TRAINING.format(rounds=epochs["rounds"], threads=training["threads"])
    for row in epochs["rows"]:
        accuracies = [_mean_sd(row[f"{way}_accuracy"]) for way in ("ours", "usual")]
        yield (
            f"| {row['preset']} | {row['ours_s']:.2f} | {row['usual_s']:.2f} "
            f"| {row['ratio']:.1f} | {_wanted(row)} | {row['images']:,} "
            f"| {accuracies[0]} | {accuracies[1]} | {row['gflops']:.0f} |"
        )
    peaks = epochs["ceiling_gflops"].items()
    ceiling = "; ".join(f"{what}: {speed:.0f}" for what, speed in peaks)
    yield CEILING.format(ceiling=ceiling)
    yield from _profile(training)
    yield SPEED_RUN
    for row in training["speedrun"]:
        accuracy = _mean_sd(row["accuracy"])
        yield f"| {row['way']} | {row['seconds']:.2f} | {accuracy} | {row['seeds']} |"
    alone = next(row["peak_mb"] for row in training["memory"] if row["preset"] == IMPORT)
    yield MEMORY.format(torch=alone)
    for row in _trainings(training):
        yield f"| {row['preset']} | {row['ready_mb']:.0f} | {row['peak_mb']:.0f} |"


def _profile(training: Result) -> Iterator[str]:
    """Yield the table of the kinds of work, the ones with the greatest shares first."""
    profiles = training["profile"]
    kinds = sorted(
        {kind for shares in profiles.values() for kind in shares},
        key=lambda kind: -sum(shares.get(kind, 0) for shares in profiles.values()),
    )
    rule = "--:|" * len(kinds)
    yield PROFILE.format(steps=MEASURED, kinds=" | ".join(kinds), rule=rule)
    ratios = {row["preset"]: row["ratio"] for row in training["epochs"]["rows"]}
    for name, shares in profiles.items():
        cells = " | ".join(f"{shares.get(kind, 0):.0%}" for kind in kinds)
        greatest = max(share for kind, share in shares.items() if kind != REST)
        yield f"| {name} | {cells} | {ratios[name] / greatest:.1f} |"


def _mean_sd(pair: list[float]) -> str:
    return f"{pair[0]:.2%} ± {100 * pair[1]:.2f}"


def _app(app: Result) -> Iterator[str]:
    yield APP
    names = {
        "cold start until the canvas is there, s": app["start"]["cold_s"],
        "cold start until it reads a drawing, s": app["start"]["ready_s"],
        "a second browser, s": app["start"]["second_browser_s"],
        "a second browser, until Streamlit's own page runs, s": app["start"]["second_frontend_s"],
        "pen up to new probabilities, ms": app["answer"]["alone_ms"],
        "the same during a training, ms": app["answer"]["beside_training_ms"],
        "switching networks, ms": app["pages"]["network_ms"],
        "switching to a network for the first time, ms": app["pages"]["network_first_ms"],
    }
    tabs = [key for key in app["pages"] if key.startswith("tab_")]
    names |= {f"{_tab(key, app['pages']['evaluated'])}, ms": app["pages"][key] for key in tabs}
    for name, values in names.items():
        yield f"| {name} | {values['p50']:.4g} | {_late(values, '.4g')} | {values['n']} |"
    stroke, second = (
        app["traffic"][key] for key in ("bytes_per_stroke", "bytes_per_second_followed")
    )
    grown = app["memory"]
    yield (
        f"\nA stroke sends {stroke['to_server'] / 1000:.1f} kB to the server and "
        f"{stroke['to_browser'] / 1000:.1f} kB back, and costs the server "
        f"{1000 * app['answer']['cpu_s_per_stroke']:.0f} ms of CPU. The rest of the time until an "
        "answer is the browser's: making a picture of the canvas, passing it to the page, and "
        "painting. A second browser waits for Streamlit's own page, then for the files of its "
        "widgets. Following a training sends "
        f"{second['to_browser'] / 1000:.1f} kB/s to the browser.\n\nThe server takes "
        f"{grown['four_networks_mb']:.0f} MB with four networks. While {grown['sessions']} "
        f"sessions draw {grown['strokes']:,} strokes, its memory goes "
        f"{_course(grown['over_strokes_mb'])} MB; over {grown['runs']} trainings it goes "
        f"{_course(grown['over_runs_mb'])} MB."
    )
    yield from _panels(app["panels"])


def _tab(key: str, evaluated: str = "") -> str:
    """Return the name of a tab's measurement in the table."""
    name = key.removeprefix("tab_").removesuffix("_ms")
    if not name.endswith("_first"):
        return f"opening {name} again"
    first = f"opening {name.removesuffix('_first')} for the first time"
    if name == "Evaluate_first":
        return f"{first}, until {evaluated} has read MNIST's test images"
    return first


def _panels(rows: list[Result]) -> Iterator[str]:
    yield PANELS
    for row in rows:
        times = row["ms"]
        yield (
            f"| {row['way']} | {times['p50']:.0f} | {_late(times, '.0f')} | {row['cpu_ms']:.0f} "
            f"| {times['n']} |"
        )


def _late(values: Result, form: str) -> str:
    """Return the 95th percentile as text, or nothing if there is only one value."""
    return f"{values['p95']:{form}}" if values["n"] > 1 else ""


def _course(values: list[float]) -> str:
    return " → ".join(f"{value:.0f}" for value in values)


def chart(rows: list[Result]) -> str:
    """Draw the seconds per epoch, ours and the usual way, as an SVG bar chart on a log scale."""
    longest = max(row["usual_s"] for row in rows)
    least = min(row["ours_s"] for row in rows) / 1.5
    parts = []
    for number, row in enumerate(rows):
        y = 40 + 44 * number
        parts.append(f'<text x="150" y="{y + 20}" text-anchor="end">{row["preset"]}</text>')
        for place, (way, color) in enumerate((("ours", "#3b5bdb"), ("usual", "#b9bec9"))):
            value = row[f"{way}_s"]
            width = 480 * _log_share(value, least, longest)
            parts.append(
                f'<rect x="160" y="{y + 17 * place}" width="{width:.0f}" height="15" '
                f'fill="{color}"/><text x="{166 + width:.0f}" y="{y + 12 + 17 * place}">'
                f"{value:.2f} s</text>"
            )
    height = 50 + 44 * len(rows)
    legend = (
        '<text x="160" y="24">seconds per epoch, logarithmic: <tspan fill="#3b5bdb" '
        'font-weight="bold">ours</tspan>, <tspan fill="#7a808c">the usual loop</tspan></text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {height}" '
        'style="font:13px sans-serif;fill:#111">'
        f'<rect width="740" height="{height}" fill="#fff"/>{legend}{"".join(parts)}</svg>\n'
    )


def _log_share(value: float, least: float, most: float) -> float:
    return math.log(value / least) / math.log(most / least)


if __name__ == "__main__":
    main()
