"""What one training uses of a data set, with the drawings that a recipe adds to it.

What draws is loaded where it is needed: scipy with it takes 30 MB, of which a training on MNIST
alone has no use.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_app.common.settings import data_folder
from mnist_app.data.catalogue import load_dataset
from mnist_app.data.labelled_images import Digits, Progress, split, take
from mnist_app.drawing import pen
from mnist_app.recipes.recipe import Recipe

_VALIDATION_COPIES = 2  # of the pen strokes, for half as many of them as images of MNIST


class TrainingData(NamedTuple):
    """What one training uses of a data set."""

    train: Digits
    val: Digits
    test: Digits
    fingerprint: str  # of all training images, before the split


def prepare(recipe: Recipe, progress: Progress | None = None) -> TrainingData:
    """Load the recipe's data set, split off its validation images, take its subset.

    Raises:
        InputError: the data set cannot be had.
    """
    dataset = load_dataset(recipe.dataset, progress)
    fingerprint = dataset.train.fingerprint  # before the split, which takes its memory
    train, val = split(dataset.train, recipe.validation_fraction, recipe.seed, in_place=True)
    train = take(train, recipe.subset, recipe.seed)
    if recipe.redrawn or recipe.pen_copies or recipe.non_digits:
        train, val = _with_drawings(train, val, recipe, progress)
    return TrainingData(train, val, dataset.test, fingerprint)


def _with_drawings(
    train: Digits, val: Digits, recipe: Recipe, progress: Progress | None
) -> tuple[Digits, Digits]:
    """Add what the recipe wants drawn: its images again, pen strokes, drawings of no digit."""
    from mnist_app.data import rendering

    if recipe.redrawn:
        train = _with_redrawn(train, recipe, progress)
    strokes = load_pen_digits() if recipe.pen_copies else []
    if missing_strokes_notice(recipe):
        train = replace(train, name=f"{train.name} without pen strokes")
    for_training, for_validation, _ = rendering.split_writers(strokes, recipe.seed)
    if for_training:
        report = _reporter("Drawing the pen strokes", progress)
        drawn = rendering.draw_pen_digits(for_training, recipe.pen_copies, recipe.seed, report)
        train = _joined(train, *drawn, "pen strokes")
    if for_validation:
        drawn = rendering.draw_pen_digits(for_validation, _VALIDATION_COPIES, recipe.seed)
        val = _joined(val, *drawn, "pen strokes")
    if recipe.non_digits:
        train = _with_non_digits(train, for_training, recipe, progress)
    return train, val


def _with_redrawn(train: Digits, recipe: Recipe, progress: Progress | None) -> Digits:
    from mnist_app.data import rendering

    sample = take(train, round(len(train) * recipe.redrawn), recipe.seed)
    report = _reporter("Drawing the digits on the canvas", progress)
    return _joined(train, rendering.redraw(sample.images, report), sample.labels, "redrawn")


def _with_non_digits(
    train: Digits, strokes: list[pen.PenDigit], recipe: Recipe, progress: Progress | None
) -> Digits:
    from mnist_app.data import rendering

    report = _reporter("Drawing what is no digit", progress)
    drawn = rendering.draw_non_digits(recipe.non_digits, recipe.seed, strokes, report)
    return _joined(train, *drawn, "non-digits")


def _reporter(task: str, progress: Progress | None) -> Callable[[float], None]:
    """Reports the share (0..1) of one task that is done."""
    return lambda share: progress(task, share) if progress else None


def load_pen_digits() -> list[pen.PenDigit]:
    """The pen strokes in the data folder's `pendigits`; none if it is not there.

    Source: UCI Pen-Based Recognition of Handwritten Digits (Alpaydin and Alimoglu 1998).
    """
    folder = _pen_folder()
    return pen.read_strokes(folder) if folder.is_dir() else []


def missing_strokes_notice(recipe: Recipe) -> str | None:
    """One sentence on what the recipe asks for and the data folder does not hold."""
    if not recipe.pen_copies or _pen_folder().is_dir():
        return None
    return (
        f"There are no pen strokes in {_pen_folder()}, so {recipe.name} learns without them: put "
        "pendigits-orig.tra of UCI's pen digits there for a network that knows real hands."
    )


def _pen_folder() -> Path:
    return data_folder() / "pendigits"


def _joined(digits: Digits, images: Tensor, labels: Tensor, name: str) -> Digits:
    return Digits(
        torch.cat([digits.images, images]),
        torch.cat([digits.labels, labels]),
        f"{digits.name} + {len(labels):,} {name}",
    )
