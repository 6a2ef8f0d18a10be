"""Picture files of any kind, size and mode as pixels."""

import io
import struct
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from mnist_app.common.errors import InputError
from mnist_app.common.names import printable

LONGEST_SIDE = 2000  # pixels; larger pictures are scaled down when read
MOST_PIXELS = 20_000_000  # more are refused: 80 MB of memory once they are decoded
MOST_LONG = 100_000  # pixels of a side; a row takes memory, however short it is
_STRIP = 1_000_000  # pixels
_NOT_BLENDED = ("1", "P", "PA")  # modes in which what lies between two values means nothing
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # none that starts another program

# Pillow warns about large pictures, which are refused here, and about damaged EXIF data, which are
# left out. Set once: `warnings.catch_warnings` would change the filters of all other threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# What Pillow's decoders and its reading of EXIF raise on damaged bytes.
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
    """A picture as uint8 (H, W, 4), upright, at most 2,000 pixels long.

    Raises:
        InputError: it does not exist, cannot be read, or is no picture; the message names it.
    """
    try:
        with path.open("rb") as file:
            return decode_picture(file, str(path))
    except FileNotFoundError:
        raise InputError(f"There is no picture {path}: check the name.") from None
    except PermissionError:
        raise InputError(f"No permission to read {path}: change its mode.") from None
    except OSError as error:
        raise InputError(
            f"{path} is not a readable picture ({error.strerror}): choose another, or remove it."
        ) from None


def decode_picture(data: bytes | BinaryIO, name: str) -> np.ndarray:
    """The pixels of a picture file, of its first frame if it has many.

    Args:
        data: the file's content, or the open file.
        name: what a message calls it.
    Returns:
        uint8 (H, W, 4), upright by the camera's EXIF orientation, at most 2,000 pixels long.
    Raises:
        InputError: it is empty, damaged, too large or no picture; the message names it.
    """
    name, file = printable(name), io.BytesIO(data) if isinstance(data, bytes) else data
    if not file.seek(0, io.SEEK_END):
        raise InputError(f"{name} is empty: copy it again, or remove it.")
    with _opened(file, name) as picture:
        _refuse_giants(picture, name)
        try:
            return _pixels(picture)
        except _DAMAGES:
            raise InputError(f"{name} is cut off or damaged: copy it again, or remove it.") from None


def _opened(file: BinaryIO, name: str) -> Image.Image:
    """The picture with its header read and nothing decoded."""
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except _DAMAGES:
        raise InputError(
            f"{name} is not a readable picture: save it as PNG or JPEG, or remove it."
        ) from None


def _refuse_giants(picture: Image.Image, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)
    if max(picture.size) > MOST_LONG:
        raise InputError(
            f"{name} has a side of more than {MOST_LONG:,} pixels: cut it, or remove it."
        )


def _too_large(name: str) -> InputError:
    return InputError(
        f"{name} has more than {MOST_PIXELS // 1_000_000} megapixels: scale it down, or remove it."
    )


def _pixels(picture: Image.Image) -> np.ndarray:
    """uint8 (H, W, 4), upright and scaled down."""
    picture.draft(None, _fitting(picture.size))  # a JPEG is decoded at half its size or less
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
    """The same with greys of 0..255, some rows at a time: 20 megapixels are 160 MB as they are."""
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
