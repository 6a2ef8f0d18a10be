"""Data sets by name, and what one training uses of them.

What draws or reads pictures is loaded where it is needed: scipy with it takes 30 MB, of which a
training on MNIST alone has no use.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.common.settings import InputError, data_folder
from mnist_app.data.archives import Skipped, typed_path
from mnist_app.data.labelled_images import (
    TEST_FRACTION,
    TEST_SEED,
    Dataset,
    Digits,
    Progress,
    split,
    take,
)
from mnist_app.data.mnist import load_mnist
from mnist_app.drawing import pen
from mnist_app.recipes.recipe import Recipe

BUNDLED = ("mnist", "digits")
_VALIDATION_COPIES = 2  # of the pen strokes, for half as many of them as images of MNIST


class Parts(NamedTuple):
    """What one training uses of a data set."""

    train: Digits
    val: Digits
    test: Digits
    fingerprint: str  # of all training images, before the split


def load_dataset(name: str, progress: Progress | None = None) -> Dataset:
    """Load a data set by its name.

    Args:
        name: "mnist", "digits", or the path of a folder or ZIP with one sub-folder per digit.
        progress: called with what is being done and the share done, 0..1.
    Raises:
        InputError: it cannot be had; the message names the file and the remedy.
    """
    return load_what_can_be_read(name, progress)[0]


def load_what_can_be_read(
    name: str, progress: Progress | None = None
) -> tuple[Dataset, list[Skipped]]:
    """A data set, and the files in its folder or ZIP that are not in it, as `load_dataset`."""
    if name == "mnist":
        return load_mnist(progress=progress), []
    if name == "digits":
        return load_bundled(), []
    from mnist_app.data.picture_folders import read_folder

    return read_folder(typed_path(name), progress)


def prepare(recipe: Recipe, progress: Progress | None = None) -> Parts:
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
    return Parts(train, val, dataset.test, fingerprint)


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
    if lacking(recipe):
        train = replace(train, name=f"{train.name} without pen strokes")
    ours, theirs, _ = rendering.split_writers(strokes, recipe.seed)
    if ours:
        told = say("Drawing the pen strokes")
        pens = rendering.draw_pen_digits(ours, recipe.pen_copies, recipe.seed, told)
        train = _joined(train, *pens, "pen strokes")
    if theirs:
        pens = rendering.draw_pen_digits(theirs, _VALIDATION_COPIES, recipe.seed)
        val = _joined(val, *pens, "pen strokes")
    if recipe.non_digits:
        told = say("Drawing what is no digit")
        nothing = rendering.draw_non_digits(recipe.non_digits, recipe.seed, ours, told)
        train = _joined(train, *nothing, "non-digits")
    return train, val


def load_pen_digits() -> list[pen.PenDigit]:
    """The pen strokes in the data folder's `pendigits`; none if it is not there.

    Source: UCI Pen-Based Recognition of Handwritten Digits (Alpaydin and Alimoglu 1998).
    """
    folder = _pen_folder()
    return pen.read_strokes(folder) if folder.is_dir() else []


def lacking(recipe: Recipe) -> str | None:
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


def check_dataset(name: str) -> None:
    """Whether a folder or ZIP can be a data set, by the names in it, before a training waits.

    Raises:
        InputError: it cannot; the message names the file and the remedy.
    """
    if not name.strip():
        raise InputError(
            "No folder was given: type the path of a folder or ZIP with sub-folders 0 to 9."
        )
    if name not in BUNDLED:
        from mnist_app.data.picture_folders import labelled_files

        labelled_files(typed_path(name))


# The bundled digits


def load_bundled() -> Dataset:
    """The 1,797 UCI digits that scikit-learn carries, brought into MNIST's format.

    The 8x8 images, tight around the digit, become the 20x20 box of MNIST's normal form, their
    centre of mass in the centre. A fifth is the test set, always the same.
    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits.
    """
    table = torch.from_numpy(_uci_digits())
    small = table[:, :-1].float().reshape(-1, 1, 8, 8) / 16
    box = functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    images = _centred(functional.pad(box, (4, 4, 4, 4)).clamp(0, 1).squeeze(1))
    images = (images * 255).round().to(torch.uint8)
    digits = Digits(images, table[:, -1].clone(), "digits")
    return Dataset(*split(digits, TEST_FRACTION, TEST_SEED))


def _uci_digits() -> np.ndarray:
    """64 pixels, 0 to 16, and the label of each digit: (1797, 65).

    The file is read without scikit-learn, which takes longer to import than a network to train.
    """
    spec = find_spec("sklearn")
    file = Path(spec.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if spec else None
    if file and file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.int64)


def _centred(images: Tensor) -> Tensor:
    """Shift each of (N, 28, 28) so that its centre of mass is in the centre, by whole pixels."""
    mass = images.sum(dim=(1, 2))
    place = torch.arange(28, dtype=images.dtype)
    down = (13.5 - (images.sum(dim=2) @ place) / mass).round().int().clamp(-4, 4)
    right = (13.5 - (images.sum(dim=1) @ place) / mass).round().int().clamp(-4, 4)
    shifted = [
        image.roll((dy, dx), dims=(0, 1))
        for image, dy, dx in zip(images, down.tolist(), right.tolist(), strict=True)
    ]
    return torch.stack(shifted)
