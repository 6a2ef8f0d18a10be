"""Compare networks: the reported and the measured accuracy of each, and its cost."""

import csv
import io
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

import torch
from pydantic import BaseModel, Field

from mnist_app.common.settings import shipped_folder
from mnist_app.recipes.layers import IMAGE_SHAPE, count_multiply_adds
from mnist_app.recipes.presets import SOURCES, is_preset
from mnist_app.recognition.predictor import Predictor
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.training.calibration import MOST

TIMINGS = 20  # predictions to time at most; the median counts
_SECONDS = 0.12  # after this long no further prediction is timed
_FEWEST = 5  # predictions that are timed however long they take
_DOCS = shipped_folder() / "docs"
_DRAWINGS, _RESULTS = _DOCS / "drawings.json", _DOCS / "results.json"


class Measured(NamedTuple):
    """An accuracy, 0..1, and the number of drawings on which it was measured."""

    accuracy: float
    n: int


class Timing(NamedTuple):
    """The network's time for one image in milliseconds, the median of n timings."""

    milliseconds: float
    n: int


class Cost(NamedTuple):
    """The cost of a network's answer to one image on this machine."""

    multiply_adds: int
    milliseconds: float
    n: int  # predictions timed


@dataclass(frozen=True)
class Row:
    """One row of the table; None where there is no figure."""

    name: str
    dataset: str
    reported: str | None  # in English, since it goes into the CSV
    test_accuracy: float | None  # None if the training was stopped
    low: float | None  # of the 95% interval of the test accuracy
    high: float | None
    n: int  # test images
    drawn_accuracy: float | None  # on pen strokes of writers that it never saw
    drawn_n: int | None
    parameters: int
    multiply_adds: int
    bytes: int
    training_seconds: float
    milliseconds: float
    seed: int


def row_of(info: WeightsInfo, cost: Cost) -> Row:
    """Return the row of a network."""
    low, high = info.test_interval or (None, None)
    drawn = drawing_accuracy(info)
    is_source = is_preset(info.recipe) and info.dataset == "mnist"
    return Row(
        name=info.name,
        dataset=info.dataset,
        reported=SOURCES[info.recipe.name].published or None if is_source else None,
        test_accuracy=info.test_accuracy,
        low=low,
        high=high,
        n=info.n,
        drawn_accuracy=drawn.accuracy if drawn else None,
        drawn_n=drawn.n if drawn else None,
        parameters=info.parameters,
        multiply_adds=cost.multiply_adds,
        bytes=info.bytes,
        training_seconds=info.seconds,
        milliseconds=cost.milliseconds,
        seed=info.seed,
    )


def csv_of(rows: Iterable[Row]) -> str:
    """Return the table as CSV with a header row; accuracies 0..1, times in the units of Row."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(Row.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return table.getvalue()


# Drawings


def drawing_accuracy(info: WeightsInfo) -> Measured | None:
    """Return the accuracy on drawings from docs/drawings.json, or None.

    It is known only for a preset under its own name, trained on MNIST with seed 0.
    """
    is_measured = is_preset(info.recipe) and info.name == info.recipe.name
    if not is_measured or info.seed != 0 or info.dataset != "mnist":
        return None
    try:
        return _drawn(_DRAWINGS, _DRAWINGS.stat().st_mtime_ns).get(info.name)
    except (OSError, ValueError):
        return None


class _DrawingsRow(BaseModel):
    """How many drawings of one kind a network read, and how many of them right (`path`)."""

    network: str
    path: int = Field(ge=0)
    n: int = Field(ge=1, le=MOST)


class _Grid(BaseModel):
    rows: list[_DrawingsRow]


class _Drawings(BaseModel):
    """What the app reads from docs/drawings.json."""

    grid: _Grid


@lru_cache(maxsize=1)
def _drawn(path: Path, mtime_ns: int) -> dict[str, Measured]:  # noqa: ARG001, the cache's key
    """Return each network's accuracy over all ways of drawing, reading drawings as the app does.

    Raises:
        ValueError: the file is damaged.
    """
    sums: dict[str, list[int]] = {}
    for row in _Drawings.model_validate_json(path.read_text(encoding="utf-8")).grid.rows:
        total = sums.setdefault(row.network, [0, 0])
        total[0] += min(row.path, row.n)
        total[1] += row.n
    return {name: Measured(right / n, n) for name, (right, n) in sums.items()}


def problems() -> list[str]:
    """Return a sentence for each file of measurements that is damaged."""
    return [
        f"{path} cannot be read, and what was measured there is not shown: put back the file that "
        "came with the app."
        for path, read in ((_DRAWINGS, _drawn), (_RESULTS, _results))
        if _is_damaged(path, read)
    ]


def _is_damaged(path: Path, read: Callable[[Path, int], object]) -> bool:
    try:
        read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return False


# Cost


def cost_of(predictor: Predictor) -> Cost:
    """Count the operations of one answer and time it; takes a few tenths of a second at most."""
    timing = timing_of(predictor)
    return Cost(count_multiply_adds(predictor.recipe.layers), timing.milliseconds, timing.n)


def timing_of(predictor: Predictor) -> Timing:
    """Time the network on one 28x28 image, without bringing a drawing into the normal form."""
    image = torch.zeros(1, *IMAGE_SHAPE)
    predictor.logits(image)  # the first one takes longer
    seconds: list[float] = []
    while len(seconds) < TIMINGS and (len(seconds) < _FEWEST or sum(seconds) < _SECONDS):
        begin = time.perf_counter()
        predictor.logits(image)
        seconds.append(time.perf_counter() - begin)
    return Timing(1000 * median(seconds), len(seconds))


# Seeds


class Point(NamedTuple):
    """A network in the chart: its accuracy over the seeds, and its cost."""

    name: str
    dataset: str
    cost: float  # parameters, multiply-adds or milliseconds
    accuracy: float  # mean test accuracy over the seeds
    deviation: float | None  # standard deviation over the seeds; None if there is only one
    seeds: int
    n: int  # test images


def point_of(info: WeightsInfo, cost: float, others: Sequence[WeightsInfo]) -> Point | None:
    """Return the point of a network in the chart: the mean over all seeds it was trained with.

    None if the network was not measured on test images.

    Args:
        info: the network.
        cost: its parameters, multiply-adds or milliseconds.
        others: networks that may have the same recipe with another seed, from `seed_results`.
    """
    if info.test_accuracy is None:
        return None
    twins = {o.seed: o.test_accuracy for o in others if _is_twin(o, info)}
    measured = {seed: accuracy for seed, accuracy in twins.items() if accuracy is not None}
    accuracies = list((_documented(info) | measured | {info.seed: info.test_accuracy}).values())
    return Point(
        info.name,
        info.dataset,
        cost,
        mean(accuracies),
        stdev(accuracies) if len(accuracies) > 1 else None,
        len(accuracies),
        info.n,
    )


def seed_results() -> list[WeightsInfo]:
    """Return the presets trained with other seeds, from their folder in the weights folder."""
    return weights.scan(weights.seeds_folder()).weights


def _documented(info: WeightsInfo) -> dict[int, float]:
    """Return a preset's test accuracy by seed from docs/results.json; the weights may be gone.

    Empty for other recipes, and if the file is missing or broken.
    """
    if not is_preset(info.recipe):
        return {}
    try:
        rows = _results(_RESULTS, _RESULTS.stat().st_mtime_ns).get(info.recipe.name, [])
    except (OSError, ValueError):
        return {}
    same = [row for row in rows if row.fingerprint == info.fingerprint]
    return {row.seed: row.test_accuracy for row in same}


class _ResultsRow(BaseModel):
    """The test accuracy of a preset that was trained with one seed."""

    seed: int
    test_accuracy: float = Field(ge=0, le=1, allow_inf_nan=False)
    fingerprint: str


class _Results(BaseModel):
    """What the app reads from docs/results.json."""

    presets: dict[str, list[_ResultsRow]]


@lru_cache(maxsize=1)
def _results(path: Path, mtime_ns: int) -> dict[str, list[_ResultsRow]]:  # noqa: ARG001
    return _Results.model_validate_json(path.read_text(encoding="utf-8")).presets


def _is_twin(other: WeightsInfo, info: WeightsInfo) -> bool:
    same: bool = other.recipe.changed(seed=info.seed) == info.recipe
    return same and other.seed != info.seed and other.fingerprint == info.fingerprint
