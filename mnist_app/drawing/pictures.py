"""Decode picture files of any kind, size and mode to pixels."""

import io
import struct
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from mnist_app.common.errors import InputError
from mnist_app.common.names import printable
from mnist_app.common.translation import message

LONGEST_SIDE = 2000  # pixels; larger pictures are scaled down when read
MOST_PIXELS = 20_000_000  # larger pictures are rejected; this many decode to 80 MB of memory
MOST_LONG = 100_000  # pixels on a side; every row takes memory, however short it is
_STRIP = 1_000_000  # pixels
_NOT_BLENDED = ("1", "P", "PA")  # modes whose values cannot be averaged
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # none of them runs an external program

# Pillow warns about large pictures, which are refused here, and about damaged EXIF data, which are
# left out. Set once: `warnings.catch_warnings` would change the filters of all other threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# The errors that Pillow's decoders and EXIF reader raise on damaged bytes.
_DAMAGES = (
    OSError,
    ValueError,
    SyntaxError,
    struct.error,
    EOFError,
    KeyError,
    TypeError,
    IndexError,
    OverflowError,
    RuntimeError,
)


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as uint8 (H, W, 4), upright, its longest side at most 2,000 pixels.

    Raises:
        InputError: it does not exist, cannot be read, or is not a picture; the message names it.
    """
    try:
        with path.open("rb") as file:
            return decode_picture(file, str(path))
    except FileNotFoundError:
        raise InputError(
            message("There is no picture {path}: check the name.", path=str(path))
        ) from None
    except PermissionError:
        raise InputError(
            message("No permission to read {path}: change its mode.", path=str(path))
        ) from None
    except OSError as error:
        raise InputError(
            message(
                "{name} is not a readable picture ({reason}): choose another, or remove it.",
                name=str(path),
                reason=error.strerror,
            )
        ) from None


def decode_picture(data: bytes | BinaryIO, name: str) -> np.ndarray:
    """Decode a picture file, or its first frame if it has several.

    Args:
        data: the file's content, or the open file.
        name: the file's name in messages.
    Returns:
        uint8 (H, W, 4), turned upright by the camera's EXIF orientation; the longest side has at
        most 2,000 pixels.
    Raises:
        InputError: it is empty, damaged, too large or not a picture; the message names it.
    """
    name, file = printable(name), io.BytesIO(data) if isinstance(data, bytes) else data
    if not file.seek(0, io.SEEK_END):
        raise InputError(message("{name} is empty: copy it again, or remove it.", name=name))
    with _opened(file, name) as picture:
        _refuse_giants(picture, name)
        try:
            return _pixels(picture)
        except _DAMAGES:
            raise InputError(
                message("{name} is cut off or damaged: copy it again, or remove it.", name=name)
            ) from None


def _opened(file: BinaryIO, name: str) -> Image.Image:
    """Open the picture: read its header, decode nothing."""
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except _DAMAGES:
        raise InputError(
            message(
                "{name} is not a readable picture: save it as PNG or JPEG, or remove it.",
                name=name,
            )
        ) from None


def _refuse_giants(picture: Image.Image, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)
    if max(picture.size) > MOST_LONG:
        raise InputError(
            message(
                "{name} has a side of more than {most:,} pixels: crop it, or remove it.",
                name=name,
                most=MOST_LONG,
            )
        )


def _too_large(name: str) -> InputError:
    return InputError(
        message(
            "{name} has more than {most} megapixels: scale it down, or remove it.",
            name=name,
            most=MOST_PIXELS // 1_000_000,
        )
    )


def _pixels(picture: Image.Image) -> np.ndarray:
    """Return uint8 (H, W, 4), upright and scaled down."""
    picture.draft(None, _fitting(picture.size))  # decodes a large JPEG at half its size or less
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits or more per pixel
        picture = _of_8_bits(picture)
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode in _NOT_BLENDED or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # before any copy: 20 megapixels are 80 MB
    return np.asarray(picture.convert("RGBA"))


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, LONGEST_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _of_8_bits(picture: Image.Image) -> Image.Image:
    """Convert to greys of 0..255, a few rows at a time: 20 megapixels of float64 are 160 MB."""
    width, height = picture.size
    rows = max(1, _STRIP // width)
    strips = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    greatest = max(np.nanmax(np.asarray(picture.crop(strip))) for strip in strips)
    top = 65535 if greatest > 255 else 255
    small = Image.new("L", picture.size)
    for strip in strips:
        values = np.nan_to_num(np.asarray(picture.crop(strip), dtype=np.float64))
        grey = (values.clip(0, top) * (255 / top)).astype(np.uint8)
        small.paste(Image.fromarray(grey), strip[:2])
    small.info = picture.info
    return small
