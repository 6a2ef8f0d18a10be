"""A folder of labelled pictures as a data set."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mnist_app.digits import TEST_FRACTION, TEST_SEED, Dataset, Digits, Progress, split
from mnist_app.drawing import to_mnist
from mnist_app.pictures import read_picture
from mnist_app.settings import InputError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}


def load_folder(folder: Path, progress: Progress | None = None) -> Dataset:
    """A folder with one sub-folder per digit, PNG or JPEG of any size and mode.

    Pictures with a light ground are inverted, as networks expect light ink on a dark ground.
    28x28 pixels are taken as they are; other sizes are brought into the normal form that drawings
    get too. A fifth is the test set.
    Raises:
        InputError: the folder, a name or a picture in it is wrong; the message names it.
    """
    files = labelled_files(folder)
    images = np.zeros((len(files), 28, 28), dtype=np.uint8)
    for i, (path, _) in enumerate(files):
        images[i] = _as_digit(path)
        if progress and i % 100 == 0:
            progress(f"Reading {folder.name}", i / len(files))
    labels = torch.tensor([digit for _, digit in files])
    digits = Digits(torch.from_numpy(images), labels, f"folder {folder.resolve().name}")
    return Dataset(*split(digits, TEST_FRACTION, TEST_SEED))


def labelled_files(folder: Path) -> list[tuple[Path, int]]:
    """The pictures in a folder of sub-folders 0 to 9, with their digits.

    Raises:
        InputError: the folder or a name in it is wrong; the message names it.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no data set {str(folder)!r}: choose mnist, digits, or a folder with one "
            "sub-folder per digit, named 0 to 9."
        )
    try:
        names = {p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")}
        wrong = sorted(names - set("0123456789"))
        if wrong:
            raise InputError(
                f"{folder / wrong[0]} is not named after a digit: rename it 0 to 9, or choose a "
                "folder that holds the sub-folders 0 to 9 alone."
            )
        return [(path, digit) for digit in range(10) for path in _pictures_of(folder, digit)]
    except PermissionError as error:
        raise InputError(f"No permission to read {error.filename}: change its mode.") from None


def _pictures_of(folder: Path, digit: int) -> list[Path]:
    place = folder / str(digit)
    if not place.is_dir():
        raise InputError(f"{place} is missing: each digit 0 to 9 needs its sub-folder.")
    files = sorted(p for p in place.iterdir() if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES)
    if len(files) < 5:
        raise InputError(f"{place} holds {len(files)} PNG or JPEG pictures: put at least 5 there.")
    return files


def _as_digit(path: Path) -> np.ndarray:
    """A picture in the form of MNIST's digits, uint8 (28, 28)."""
    rgba = read_picture(path)
    if rgba.shape[:2] == (28, 28):
        return _light_on_dark(rgba)
    image = to_mnist(rgba)
    if image is None:
        raise InputError(f"{path} shows nothing: remove it.")
    return (image[0, 0].numpy() * 255).round().astype(np.uint8)


def _light_on_dark(rgba: np.ndarray) -> np.ndarray:
    """Pixels, uint8 (H, W, 4), as uint8 (H, W); a light ground is inverted."""
    alpha, ink = rgba[..., 3], np.asarray(Image.fromarray(rgba[..., :3]).convert("L"))
    light_ink = alpha.min() == 255 or not alpha.any() or np.average(ink, weights=alpha) > 127
    ground = Image.new("RGBA", (rgba.shape[1], rgba.shape[0]), "black" if light_ink else "white")
    grey = np.asarray(Image.alpha_composite(ground, Image.fromarray(rgba)).convert("L"))
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 255 - grey if np.median(border) > 127 else grey
