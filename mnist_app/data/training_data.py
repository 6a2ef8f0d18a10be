"""The images that one training uses: those of a data set, and the drawings that a recipe adds.

`rendering` is imported only where it is needed. It imports scipy, which takes 30 MB of memory, and
a training on MNIST alone needs none of it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_app.common.settings import data_folder
from mnist_app.common.translation import N_, message
from mnist_app.data.catalogue import load_dataset
from mnist_app.data.labelled_images import Digits, Progress, split, take
from mnist_app.drawing import pen
from mnist_app.recipes.recipe import Recipe

_VALIDATION_COPIES = 2  # of each pen digit: about half as many drawings as MNIST images


class TrainingData(NamedTuple):
    """The images that one training uses."""

    train: Digits
    val: Digits
    test: Digits
    fingerprint: str  # of all training images, before the split


def prepare(recipe: Recipe, progress: Progress | None = None) -> TrainingData:
    """Load the recipe's data set, split off validation images, take the subset, add drawings.

    Raises:
        InputError: the data set cannot be loaded.
    """
    dataset = load_dataset(recipe.dataset, progress)
    fingerprint = dataset.train.fingerprint  # before the split, which reuses the memory
    train, val = split(dataset.train, recipe.validation_fraction, recipe.seed, in_place=True)
    train = take(train, recipe.subset, recipe.seed)
    if recipe.redrawn or recipe.pen_copies or recipe.non_digits:
        train, val = _with_drawings(train, val, recipe, progress)
    return TrainingData(train, val, dataset.test, fingerprint)


def _with_drawings(
    train: Digits, val: Digits, recipe: Recipe, progress: Progress | None
) -> tuple[Digits, Digits]:
    """Add the drawings that the recipe asks for: redrawn images, pen strokes and non-digits."""
    from mnist_app.data import rendering

    if recipe.redrawn:
        train = _with_redrawn(train, recipe, progress)
    strokes = load_pen_digits() if recipe.pen_copies else []
    if missing_strokes_notice(recipe):
        train = replace(train, name=f"{train.name} without pen strokes")
    for_training, for_validation, _ = rendering.split_writers(strokes, recipe.seed)
    if for_training:
        report = _reporter(N_("Drawing the pen strokes"), progress)
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
    report = _reporter(N_("Drawing the digits on the canvas"), progress)
    return _joined(train, rendering.redraw(sample.images, report), sample.labels, "redrawn")


def _with_non_digits(
    train: Digits, strokes: list[pen.PenDigit], recipe: Recipe, progress: Progress | None
) -> Digits:
    from mnist_app.data import rendering

    report = _reporter(N_("Drawing the non-digits"), progress)
    drawn = rendering.draw_non_digits(recipe.non_digits, recipe.seed, strokes, report)
    return _joined(train, *drawn, "non-digits")


def _reporter(task: str, progress: Progress | None) -> Callable[[float], None]:
    """Return a function that reports the share of one task that is done, 0..1."""
    return lambda share: progress(task, share) if progress else None


def load_pen_digits() -> list[pen.PenDigit]:
    """Load the pen strokes in the data folder's `pendigits`; none if that folder is missing.

    Source: UCI Pen-Based Recognition of Handwritten Digits (Alpaydin and Alimoglu 1998).
    """
    folder = _pen_folder()
    return pen.read_strokes(folder) if folder.is_dir() else []


def missing_strokes_notice(recipe: Recipe) -> str | None:
    """Return one sentence if the recipe asks for pen strokes that the data folder does not have."""
    if not recipe.pen_copies or _pen_folder().is_dir():
        return None
    return message(
        "There are no pen strokes in {folder}, so {name} is trained without them. To train on real "
        "handwriting, put pendigits-orig.tra of UCI's pen digits there.",
        folder=str(_pen_folder()),
        name=recipe.name,
    )


def _pen_folder() -> Path:
    return data_folder() / "pendigits"


def _joined(digits: Digits, images: Tensor, labels: Tensor, name: str) -> Digits:
    return Digits(
        torch.cat([digits.images, images]),
        torch.cat([digits.labels, labels]),
        f"{digits.name} + {len(labels):,} {name}",
    )
