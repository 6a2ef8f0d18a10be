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

    def say(text: str) -> Callable[[float], None]:
        return lambda share: progress(text, share) if progress else None

    if recipe.redrawn:
        images = take(train, round(len(train) * recipe.redrawn), recipe.seed)
        drawn = rendering.redraw(images.images, say("Drawing the digits on the canvas"))
        train = _joined(train, drawn, images.labels, "redrawn")
    strokes = load_pen_digits() if recipe.pen_copies else []
    if missing_strokes_notice(recipe):
        train = replace(train, name=f"{train.name} without pen strokes")
    ours, theirs, _ = rendering.split_writers(strokes, recipe.seed)
    told = say("Drawing the pen strokes")
    train = _with_pen_digits(train, ours, recipe.pen_copies, recipe.seed, told)
    val = _with_pen_digits(val, theirs, _VALIDATION_COPIES, recipe.seed)
    if recipe.non_digits:
        told = say("Drawing what is no digit")
        nothing = rendering.draw_non_digits(recipe.non_digits, recipe.seed, ours, told)
        train = _joined(train, *nothing, "non-digits")
    return train, val


def _with_pen_digits(
    digits: Digits,
    strokes: list[pen.PenDigit],
    copies: int,
    seed: int,
    told: Callable[[float], None] = lambda _share: None,
) -> Digits:
    """Digits with so many drawings of each pen stroke digit, if there are any."""
    from mnist_app.data import rendering

    if not strokes:
        return digits
    drawn = rendering.draw_pen_digits(strokes, copies, seed, told)
    return _joined(digits, *drawn, "pen strokes")


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
