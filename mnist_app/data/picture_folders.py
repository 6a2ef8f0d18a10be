"""A folder or ZIP of labelled pictures as a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image

from mnist_app.common.errors import InputError
from mnist_app.common.names import printable, shortened
from mnist_app.common.translation import Message, message
from mnist_app.data.archives import File, Skipped, files_in, name_of, upload_name
from mnist_app.data.labelled_images import (
    TEST_FRACTION,
    TEST_SEED,
    Dataset,
    Digits,
    Progress,
    split,
)
from mnist_app.drawing.drawing import MIN_CONTRAST
from mnist_app.drawing.normal_form import SIDE, to_mnist
from mnist_app.drawing.pictures import decode_picture

FEWEST = 5  # pictures of each digit
_DIGITS = tuple("0123456789")


def read_folder(
    place: Path | BinaryIO, progress: Progress | None = None
) -> tuple[Dataset, list[Skipped]]:
    """Read a folder or ZIP of pictures that are sorted into folders named 0 to 9.

    These folders may be inside others. Pictures may have any size and mode. Those with a light
    ground are inverted, because networks expect light ink on a dark ground. Pictures of 28x28
    pixels are used as they are; other sizes are brought into the normal form, like drawings. A
    fifth of the pictures is the test set.

    Args:
        place: the folder, the ZIP file, or an open ZIP file.
        progress: called with the current task and the share done, 0..1.
    Returns:
        The data set, and the skipped files, each with the reason.
    Raises:
        InputError: it cannot be read, or holds fewer than 5 pictures of some digit.
    """
    files, skipped = labelled_files(place)
    digits = _read_digits(files, skipped, _title(place), progress)
    _check(place, digits.labels.tolist(), skipped)
    return Dataset(*split(digits, TEST_FRACTION, TEST_SEED)), skipped


def _read_digits(
    files: Sequence[tuple[File, int]], skipped: list[Skipped], name: str, progress: Progress | None
) -> Digits:
    """Return the pictures that can be read; add the others to `skipped`."""
    images = np.zeros((len(files), SIDE, SIDE), dtype=np.uint8)
    labels: list[int] = []
    for number, (file, digit) in enumerate(files):
        try:
            images[len(labels)] = _as_digit(file)
            labels.append(digit)
        except InputError as error:
            skipped.append(Skipped(file.name, reason_without_name(error, file)))
        if progress and number % 100 == 0:
            progress(message("Reading {name}", name=name), number / len(files))
    return Digits(torch.from_numpy(images[: len(labels)]), torch.tensor(labels), name)


def labelled_files(
    place: Path | BinaryIO,
) -> tuple[list[tuple[File, int]], list[Skipped]]:
    """Return the pictures in folders named 0 to 9 with their digits, and the skipped files.

    Raises:
        InputError: it cannot be read, or holds fewer than 5 pictures of some digit.
    """
    if isinstance(place, Path) and not place.exists():
        raise InputError(
            message(
                "There is no data set {name}: choose mnist, digits, or a folder or ZIP with one "
                "sub-folder per digit, named 0 to 9.",
                name=repr(str(place)),
            )
        )
    files, skipped = [], []
    for file in files_in(place):
        folder = file.name.split("/")[-2:-1]
        if file.problem:
            skipped.append(Skipped(file.name, file.problem))
        elif not folder or folder[0] not in _DIGITS:
            skipped.append(Skipped(file.name, message("It is not in a folder named 0 to 9.")))
        else:
            files.append((file, int(folder[0])))
    _check(place, [digit for _file, digit in files], skipped)
    return sorted(files, key=lambda labelled: labelled[1]), skipped


def _check(place: Path | BinaryIO, labels: Sequence[int], skipped: Sequence[Skipped]) -> None:
    """Raise InputError if some digit has too few pictures.

    The message names the first skipped file, because its problem may be the cause.
    """
    counts = np.bincount(np.array(labels, dtype=int), minlength=10)
    if not counts.any():
        empty = message(
            "{name} has no pictures in sub-folders named 0 to 9: sort them into such folders.",
            name=name_of(place),
        )
        raise InputError(_with_first(empty, skipped))
    digit = int(counts.argmin())
    if counts[digit] < FEWEST:
        few = message(
            "{name} has too few pictures in sub-folder {digit} ({count}): put at least {fewest} of "
            "each digit there.",
            name=name_of(place),
            digit=digit,
            count=int(counts[digit]),
            fewest=FEWEST,
        )
        skipped = [one for one in skipped if f"/{one.name}".rfind(f"/{digit}/") >= 0]
        raise InputError(_with_first(few, skipped))


def _with_first(problem: Message, skipped: Sequence[Skipped]) -> Message:
    """Return a problem and, if files were skipped, how many, and why the first one was."""
    if not skipped:
        return problem
    return message(
        "{problem} Skipped files: {count:,}. The first is {name}: {reason}",
        problem=problem,
        count=len(skipped),
        name=shortened(skipped[0].name),
        reason=skipped[0].problem,
    )


def reason_without_name(error: InputError, file: File) -> str:
    """Return the error's message with "It" for the file's name, which is shown next to it.

    The message may name the file by its path or only by the end of its path.
    """
    text: str = error.args[0]
    if not isinstance(text, Message) or not text.template.startswith("{name} "):
        return text
    if not f"/{file.name}".endswith(f"/{text.values['name']}"):
        return text
    return message(text.template, **text.values | {"name": message("It")})  # the file


def _title(place: Path | BinaryIO) -> str:
    if not isinstance(place, Path):
        return "ZIP"
    if place.is_dir():
        return f"folder {printable(place.resolve().name)}"
    return f"ZIP {printable(upload_name(place))}"


def _as_digit(file: File) -> np.ndarray:
    """Return a picture in the format of MNIST's digits, uint8 (28, 28)."""
    rgba = decode_picture(file.read(), file.name)
    if rgba.shape[:2] == (SIDE, SIDE):
        grey = light_on_dark(rgba)
        image = None if is_blank(grey) else grey
    else:
        form = to_mnist(rgba)
        image = None if form is None else (form[0, 0].numpy() * 255).round().astype(np.uint8)
    if image is None:
        raise InputError(message("{name} is blank: remove it.", name=file.name))
    return image


def light_on_dark(rgba: np.ndarray) -> np.ndarray:
    """Convert pixels, uint8 (H, W, 4), to grey, uint8 (H, W), inverting a light ground."""
    alpha, ink = rgba[..., 3], np.asarray(Image.fromarray(rgba[..., :3]).convert("L"))
    light_ink = alpha.min() == 255 or not alpha.any() or np.average(ink, weights=alpha) > 127
    ground = Image.new("RGBA", (rgba.shape[1], rgba.shape[0]), "black" if light_ink else "white")
    grey = np.asarray(Image.alpha_composite(ground, Image.fromarray(rgba)).convert("L"))
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 255 - grey if np.median(border) > 127 else grey


def is_blank(grey: np.ndarray) -> bool:
    """Return whether pixels, uint8 (H, W), have too little contrast to show anything."""
    return int(grey.max()) - int(grey.min()) < MIN_CONTRAST
