"""Measure how fast the presets train: python benchmarks/training.py [PART ...].

Parts: epochs (our epoch against the usual DataLoader loop), speedrun (time to 99% against the
best known public speed run), profile (where the time goes in a step), memory (the peak of a
process that trains). Without a PART, all are measured. Ours and the other way take turns in one
run, so that other work on the machine affects both. Times are medians.
Writes docs/training.json.
"""

import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ceiling import ceilings, flops_per_image  # noqa: E402
from memory import IMPORT  # noqa: E402
from reference import speed_run, usual_epoch  # noqa: E402
from steps import shares  # noqa: E402

from mnist_app.common import machine  # noqa: E402
from mnist_app.common.files import write_text  # noqa: E402
from mnist_app.data.labelled_images import Dataset, Digits  # noqa: E402
from mnist_app.data.mnist import load_mnist  # noqa: E402
from mnist_app.networks import models  # noqa: E402
from mnist_app.recipes.presets import RECIPES  # noqa: E402
from mnist_app.recipes.recipe import Recipe  # noqa: E402
from mnist_app.training.evaluation import evaluate  # noqa: E402
from mnist_app.training.events import EpochEvent  # noqa: E402
from mnist_app.training.loop import Trainer  # noqa: E402

PARTS = ("epochs", "speedrun", "profile", "memory")
SPEED_RUN = "speedrun"
WHOLE_RUNS = "our run", "public"
TRIAL = 10  # batches, the minimum
PART_TEST = 1000  # test images after part of an epoch, where accuracy hardly matters
Rows = list[dict[str, Any]]


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--preset", "presets", multiple=True, help="Of the parts but the speed run.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=0.5, show_default=True, help="Of the usual loop, per round.")
@click.option("--seeds", default=10, show_default=True, help="Of the speed run.")
@click.option("--images", default=60_000, show_default=True, help="Of MNIST, at most.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(
    parts: tuple[str, ...],
    presets: tuple[str, ...],
    rounds: int,
    seconds: float,
    seeds: int,
    images: int,
    output: Path,
) -> None:
    """Measure the training."""
    recipes = [RECIPES[name] for name in presets or RECIPES]
    measures: dict[str, Callable[[], Any]] = {
        "epochs": lambda: epochs(recipes, images, rounds, seconds),
        "speedrun": lambda: speed_runs(images, seeds),
        "profile": lambda: {recipe.name: profile(recipe, images) for recipe in recipes},
        "memory": lambda: memories([IMPORT, *(recipe.name for recipe in recipes)]),
    }
    path = output / "training.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    result |= {"threads": torch.get_num_threads(), "machine": machine.machine_facts()}
    output.mkdir(parents=True, exist_ok=True)
    for part in parts or PARTS:
        begin = time.perf_counter()
        result[part] = measures[part]()
        print(f"{part}: took {time.perf_counter() - begin:.0f} s", flush=True)
        write_text(path, json.dumps(result, indent=1) + "\n")


# Each way has its own process, so that neither benefits from the other's set-up


@contextmanager
def processes(ways: tuple[str, str]) -> Iterator[dict[str, ProcessPoolExecutor]]:
    """Start a process for each way."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        yield {way: stack.enter_context(ProcessPoolExecutor(1, context)) for way in ways}


def timed(way: str, recipe: Recipe, count: int) -> tuple[float, float]:
    """Train on the first `count` images; return the seconds and the test accuracy.

    The accuracy is on all test images after a whole run, otherwise on the first PART_TEST.
    """
    mnist = _mnist()
    model, seconds = WAYS[way](recipe, mnist.train.subset(slice(count)))
    test = mnist.test if way in WHOLE_RUNS else mnist.test.subset(slice(PART_TEST))
    return seconds, evaluate(model, test, recipe).accuracy


@lru_cache(1)
def _mnist() -> Dataset:
    return load_mnist()


def our_epoch(recipe: Recipe, digits: Digits) -> tuple[nn.Module, float]:
    """Run the first epoch of our loop; return the network and the seconds of its steps."""
    few = digits.subset(slice(10))  # the loop validates, which is not measured here
    trainer = Trainer(recipe, digits, few)
    event = next(e for e in trainer.events() if isinstance(e, EpochEvent))
    return trainer.network.eval(), event.seconds


def our_run(recipe: Recipe, digits: Digits) -> tuple[nn.Module, float]:
    """Run the first epoch of our loop; return the network and the seconds with all set-up."""
    start = time.perf_counter()
    network, _ = our_epoch(recipe, digits)
    return network, time.perf_counter() - start


WAYS = {"ours": our_epoch, "usual": usual_epoch, "our run": our_run, "public": speed_run}


# Epochs


def epochs(recipes: list[Recipe], images: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure each preset's epoch against the usual one, and the machine's ceiling."""
    with processes(("ours", "usual")) as pools:
        return {
            "rounds": rounds,
            "ceiling_gflops": ceilings(rounds),
            "rows": [_epoch_row(pools, recipe, images, rounds, seconds) for recipe in recipes],
        }


def _on_mnist_alone(recipe: Recipe) -> Recipe:
    return recipe.changed(pen_copies=0, redrawn=0, views=1, epochs=1, batches_per_epoch=None)


def _epoch_row(
    pools: dict[str, ProcessPoolExecutor], recipe: Recipe, images: int, rounds: int, seconds: float
) -> dict[str, Any]:
    """Time both ways on as many images as the usual one manages in `seconds`, at most an epoch.

    Drawings that a preset adds to MNIST are left out, because the usual way does not have them.
    """
    recipe = _on_mnist_alone(recipe)
    trial = min(images, TRIAL * recipe.batch_size)  # this also warms both up
    seconds_of = {way: pools[way].submit(timed, way, recipe, trial).result()[0] for way in pools}
    per_image = seconds_of["usual"] / trial
    epoch = round(images * (1 - recipe.validation_fraction))
    count = min(epoch, max(trial, int(seconds / per_image)))
    taken, accuracy = _taking_turns(pools, ("ours", "usual"), recipe, count, rounds)
    ours, usual = (statistics.median(taken[way]) for way in ("ours", "usual"))
    flops = flops_per_image(models.from_recipe(recipe), recipe.batch_size)
    row = {
        "preset": recipe.name,
        "images": count,
        "epoch_images": epoch,
        "ours_s": ours * epoch / count,
        "usual_s": usual * epoch / count,
        "ratio": usual / ours,
        "gflops": flops * count / ours / 1e9,
        **{f"{way}_accuracy": _mean_sd(values) for way, values in accuracy.items()},
    }
    print(
        f"{recipe.name}: {row['ours_s']:.2f} s, usual {row['usual_s']:.2f} s an epoch", flush=True
    )
    return row


def profile(recipe: Recipe, images: int) -> dict[str, float]:
    """Return the share of each kind of work in a step of our loop."""
    return shares(_on_mnist_alone(recipe), _mnist().train.subset(slice(images)))


def _taking_turns(
    pools: dict[str, ProcessPoolExecutor],
    ways: tuple[str, str],
    recipe: Recipe,
    count: int,
    seeds: int,
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Measure the seconds and accuracies of both ways, one after the other with each seed."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    accuracy: dict[str, list[float]] = {way: [] for way in ways}
    for seed in range(seeds):
        for way in ways:
            job = pools[way].submit(timed, way, recipe.changed(seed=seed), count)
            for values, value in zip((seconds[way], accuracy[way]), job.result(), strict=True):
                values.append(value)
    return seconds, accuracy


# The speed run


def speed_runs(images: int, seeds: int) -> Rows:
    """Measure seconds and test accuracy of our speed run and the public one, on the same seeds."""
    ways = WHOLE_RUNS
    with processes(ways) as pools:
        for way in ways:  # each loads its libraries and its data before the clock starts
            pools[way].submit(timed, way, RECIPES[SPEED_RUN], min(images, 1000)).result()
        seconds, accuracy = _taking_turns(pools, ways, RECIPES[SPEED_RUN], images, seeds)
    rows = [
        {
            "way": way,
            "seeds": seeds,
            "seconds": statistics.median(seconds[way]),
            "accuracy": _mean_sd(accuracy[way]),
        }
        for way in ways
    ]
    for row in rows:
        print(f"speed run, {row['way']}: {row['seconds']:.2f} s, {row['accuracy'][0]:.2%}")
    return rows


# Memory


def memories(names: list[str]) -> Rows:
    """Measure each preset, two at a time: the memory of a process does not depend on others."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(memory, names))


def memory(name: str) -> dict[str, Any]:
    """Measure the peak memory in MB of a process that trains a preset on its full amount of data.

    Also report the peak before the first step, when the data set is ready.
    """
    command = [sys.executable, str(ROOT / "benchmarks" / "memory.py"), name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The training of {name} failed: {done.stderr}")
    ready, most = map(float, done.stdout.split())
    print(f"{name}: {ready} MB with its data, {most} MB in all", flush=True)
    return {"preset": name, "ready_mb": ready, "peak_mb": most}


def _mean_sd(values: list[float]) -> tuple[float, float]:
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
