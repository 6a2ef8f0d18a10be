"""Measure how well the networks read drawings: python benchmarks/drawings.py [PART ...].

Parts: grid, honesty, several; without a PART, all are measured. Writes drawings.json, drawings.md
and drawings.svg into docs/. A network that learned from pen strokes is measured on the writers
that its seed held out. With all seeds in weights/.seeds (`NAME, seed N`), this is a
cross-validation over all writers.
Networks that are not measured keep their previous rows, if those have the same seed.
No writer is new to canvas-large, because each of its members held out different writers. To
measure it, give other people's strokes with --strokes. Those results go into ./drawings.
"""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import grid  # noqa: E402
import honesty  # noqa: E402
import report  # noqa: E402
import several  # noqa: E402

from mnist_app.data import rendering, training_data  # noqa: E402
from mnist_app.drawing import pen  # noqa: E402
from mnist_app.drawing.pen import PenDigit  # noqa: E402
from mnist_app.recipes.presets import ENSEMBLES  # noqa: E402
from mnist_app.recognition.predictor import Predictor  # noqa: E402
from mnist_app.results import weights  # noqa: E402

Rows = list[dict[str, Any]]
PARTS = ("grid", "honesty", "several")


class Wanted(NamedTuple):
    """What to measure, and on whose strokes."""

    writers: list[PenDigit]
    are_foreign: bool  # strokes of people that no network has seen
    digits: int
    count: int
    seed: int


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--network", "networks", multiple=True, help="Weights (default: all, all seeds).")
@click.option("--strokes", type=click.Path(path_type=Path), help="A folder of UNIPEN or JSON.")
@click.option("--digits", default=200, show_default=True, help="Digits per cell and network.")
@click.option("--count", default=500, show_default=True, help="Numbers, and non-digits per kind.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=os.cpu_count(), help="Processes (default: one per core).")
@click.option("--output", type=click.Path(path_type=Path), help="Default: docs, or ./drawings.")
def main(
    parts: tuple[str, ...],
    networks: tuple[str, ...],
    strokes: Path | None,
    digits: int,
    count: int,
    seed: int,
    workers: int,
    output: Path | None,
) -> None:
    """Measure the networks on drawings."""
    output = output or (Path("drawings") if strokes else ROOT / "docs")
    predictors = _predictors(networks)
    writers = pen.read_strokes(strokes) if strokes else training_data.load_pen_digits()
    if not writers:
        raise SystemExit("There are no pen strokes in the data folder: give some with --strokes.")
    wanted = Wanted(writers, bool(strokes), digits, count, seed)
    results = report.known(output)
    for part, rows in _in_parallel(parts or PARTS, predictors, wanted, workers).items():
        results[part] = report.merged(results.get(part), rows, seed)
    report.save(results, output, are_foreign=wanted.are_foreign)


def _in_parallel(
    parts: Sequence[str], predictors: dict[str, Predictor], wanted: Wanted, workers: int
) -> dict[str, Rows]:
    """Measure the parts in parallel, each on each fold of writers; return the rows of each part."""
    known = predictors if wanted.are_foreign else _with_new_writers(predictors)
    if not known:
        raise SystemExit(
            f"No writer is new to {', '.join(predictors)}, as each of its members held out others: "
            "give other people's strokes with --strokes."
        )
    folds = _by_fold(known, is_foreign=wanted.are_foreign)
    results: dict[str, Rows] = {part: [] for part in parts}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,)) as pool:
        jobs = [
            (part, fold, pool.submit(_measure, part, fold, members, wanted))
            for part in parts
            for fold, members in folds.items()
        ]
        for part, fold, job in jobs:
            results[part] += job.result()
            print(f"{part}: {', '.join(folds[fold])}", flush=True)
    return results


def _measure(part: str, fold: int | None, members: dict[str, Predictor], wanted: Wanted) -> Rows:
    """Measure one part on one fold's writers.

    The confidence was calibrated on half of them, the validation writers. Only the grid, which
    uses no confidence, includes that half.
    """
    _, validation, test = rendering.split_writers(wanted.writers, fold or 0)
    count, seed = wanted.count, wanted.seed
    if part == "grid":
        held_out = wanted.writers if fold is None else validation + test
        return grid.measure(members, _some(held_out, wanted.digits, seed), seed)
    measure = honesty.measure if part == "honesty" else several.measure
    unseen = wanted.writers if fold is None else test
    return [
        {"network": name, **measure(predictor, unseen, count, seed)}
        for name, predictor in members.items()
        if predictor.recipe.pen_copies
    ]


def _predictors(names: tuple[str, ...]) -> dict[str, Predictor]:
    found = {info.name: Predictor.load(info.name) for info in weights.list_weights()}
    seeds = weights.seeds_folder()
    for path in sorted(seeds.glob("*.safetensors")):
        model, info = weights.load(path.stem, seeds)
        if info.recipe.pen_copies:
            found[f"{path.stem.rsplit('-', 1)[0]}, seed {info.seed}"] = Predictor(
                model, info.recipe, info
            )
    if unknown := set(names) - set(found):
        raise SystemExit(
            f"There are no weights {', '.join(unknown)}: there are {', '.join(found)}."
        )
    return {name: found[name] for name in names} or found


def _with_new_writers(predictors: dict[str, Predictor]) -> dict[str, Predictor]:
    return {name: p for name, p in predictors.items() if p.recipe.name not in ENSEMBLES}


def _by_fold(
    predictors: dict[str, Predictor], *, is_foreign: bool
) -> dict[int | None, dict[str, Predictor]]:
    """Group the networks by the fold of writers they held out; None if all writers are new to them.

    Networks that never saw a pen stroke are put into the first fold, so that they get the same
    drawings as its networks.
    """
    folds: dict[int | None, dict[str, Predictor]] = {}
    for name, predictor in predictors.items():
        fold = predictor.recipe.seed % rendering.FOLDS if predictor.recipe.pen_copies else 0
        folds.setdefault(None if is_foreign else fold, {})[name] = predictor
    return folds


def _some(digits: list[PenDigit], count: int, seed: int) -> list[PenDigit]:
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
    return [digits[i] for i in order[:count]]


if __name__ == "__main__":
    main()
