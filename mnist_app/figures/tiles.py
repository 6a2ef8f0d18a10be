"""Many small images as HTML: each is a button, and all share one picture."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from PIL import Image

from mnist_app.drawing.normal_form import SIDE
from mnist_app.figures import data_urls
from mnist_app.figures.templating import from_template

_PER_ROW = 20  # images in a row of the sheet
_SIGNS = {"right": "✓", "wrong": "✗"}
_GREYS = 16  # of a small sheet; it takes a quarter of the bytes of one with 256


class Tile(NamedTuple):
    """The texts and the mark of one image."""

    value: str  # what a click on it sends
    caption: str = ""  # below it
    label: str = ""  # for screen readers, and shown on hover
    mark: str = ""  # "right" or "wrong" (a frame and a sign, not colour alone), "chosen" or ""


def tiles(images: np.ndarray, described: Sequence[Tile], size: int = 56) -> Markup:
    """Return images, uint8 (N, 28, 28), as buttons of `size` pixels side by side."""
    if not len(images):
        return Markup()
    columns, rows = sheet_grid(len(images))
    return from_template(
        "figures/templates/tiles.html",
        tiles=described,
        sheet=data_urls.picture_url(sheet(images)),
        columns=columns,
        rows=rows,
        side=size,
        signs=_SIGNS,
    )


def sheet_grid(count: int) -> tuple[int, int]:
    """Return the columns and rows of a sheet of `count` images; `count` is at least 1."""
    columns = min(_PER_ROW, count)
    return columns, -(-count // columns)


def sheet(images: np.ndarray) -> np.ndarray:
    """Arrange images, uint8 (N, 28, 28), in rows of at most 20: uint8 (H, W)."""
    columns, rows = sheet_grid(len(images))
    filled = np.zeros((rows * columns, SIDE, SIDE), dtype=np.uint8)
    filled[: len(images)] = images
    grid = filled.reshape(rows, columns, SIDE, SIDE).transpose(0, 2, 1, 3)
    return grid.reshape(rows * SIDE, columns * SIDE)


def small_sheet_url(images: np.ndarray) -> str:
    """Return the sheet of images, uint8 (N, 28, 28), in 16 greys, as a data: URL."""
    levels = (sheet(images).astype(np.uint16) * (_GREYS - 1) + 127) // 255
    picture = Image.fromarray(levels.astype(np.uint8), "P")
    step = 255 // (_GREYS - 1)
    picture.putpalette([level * step for level in range(_GREYS) for _ in range(3)])
    return data_urls.encoded(picture, bits=4, optimize=True)
