"""Read many unlabelled pictures of one digit each, and write the answers as a table."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.data.archives import File, Skipped
from mnist_app.data.picture_folders import is_blank, light_on_dark, reason_without_name
from mnist_app.drawing.normal_form import SIDE, to_mnist
from mnist_app.drawing.photo import clean
from mnist_app.drawing.pictures import decode_picture
from mnist_app.recognition.predictor import Predictor

MOST_PICTURES = 5000
_PICTURES_PER_BATCH = 100
_FORMULA = tuple("=+-@\t\r")  # a spreadsheet takes text that starts with one for a formula


class Reading(NamedTuple):
    """A network's answer to one picture."""

    name: str
    nearest: int  # the most probable digit
    confidence: float  # 0..1
    is_digit: bool  # whether the confidence reaches the threshold
    image: np.ndarray  # uint8 (28, 28), what the network saw


class _Picture(NamedTuple):
    name: str
    image: np.ndarray  # float32 (28, 28), the network's input


def read_all(
    predictor: Predictor,
    files: Iterable[File],
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[list[Reading], list[Skipped]]:
    """Read the digit in each picture.

    Files that are not pictures, and pictures beyond the first 5,000, are skipped with a reason.

    Args:
        predictor: the network.
        files: the files of a folder or a ZIP.
        progress: called with the number of files done.
    """
    readings: list[Reading] = []
    skipped: list[Skipped] = []
    pictures: list[_Picture] = []  # not read yet
    for number, file in enumerate(files, 1):
        if len(readings) + len(pictures) >= MOST_PICTURES:
            problem = message("Only {most:,} pictures are read at a time.", most=MOST_PICTURES)
            skipped.append(Skipped(file.name, problem))
            continue
        picture = _opened(file)
        if isinstance(picture, Skipped):
            skipped.append(picture)
            continue
        pictures.append(picture)
        if len(pictures) == _PICTURES_PER_BATCH:
            readings += _read(predictor, pictures)
            pictures.clear()
            progress(number)
    return readings + _read(predictor, pictures), skipped


def _opened(file: File) -> "_Picture | Skipped":
    try:
        return _Picture(file.name, _normal_form(file))
    except InputError as error:
        return Skipped(file.name, reason_without_name(error, file))


def _normal_form(file: File) -> np.ndarray:
    """Return a picture as the network's input, float32 (28, 28).

    A picture that already has this size is not brought into the normal form.
    """
    if file.problem:
        raise InputError(file.problem)
    try:
        rgba = decode_picture(file.read(), file.name)
    except OSError as error:
        raise InputError(
            message("{name} cannot be read ({reason}).", name=file.name, reason=error.strerror)
        ) from None
    image = _small(rgba) if rgba.shape[:2] == (SIDE, SIDE) else _large(rgba)
    if image is None:
        raise InputError(message("{name} is blank: draw or photograph it again.", name=file.name))
    return image


def _small(rgba: np.ndarray) -> np.ndarray | None:
    grey = light_on_dark(rgba)
    return None if is_blank(grey) else grey.astype(np.float32) / 255


def _large(rgba: np.ndarray) -> np.ndarray | None:
    image = to_mnist(clean(rgba))
    return None if image is None else image[0, 0].numpy()


def _read(predictor: Predictor, pictures: Sequence[_Picture]) -> list[Reading]:
    if not pictures:
        return []
    images = torch.from_numpy(np.stack([picture.image for picture in pictures]))[:, None]
    predictions = predictor.predict_images(images)
    return [
        Reading(
            picture.name,
            prediction.nearest,
            prediction.confidence,
            not prediction.is_refused,
            (picture.image * 255).round().astype(np.uint8),
        )
        for picture, prediction in zip(pictures, predictions, strict=True)
        if prediction.nearest is not None  # always true: only a blank drawing has none
    ]


def to_csv(readings: Sequence[Reading]) -> str:
    """Return CSV, `ImageId,Label,confidence`, one line per picture.

    The label is the most probable digit.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["ImageId", "Label", "confidence"])
    for reading in readings:
        writer.writerow([_harmless(reading.name), reading.nearest, f"{reading.confidence:.6f}"])
    return table.getvalue()


def _harmless(name: str) -> str:
    """Return a file's name in a form that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(_FORMULA) else name
