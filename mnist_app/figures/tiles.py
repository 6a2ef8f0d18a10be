"""Many small images as HTML: one picture file for all of them, a button each."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from mnist_app.figures.fragments import png_url

SIDE = 28  # pixels
_PER_ROW = 20  # of the sheet


class Tile(NamedTuple):
    """What stands at one image."""

    value: str  # what a click on it sends
    caption: str = ""  # below it
    label: str = ""  # read out, and shown by a mouse over it
    mark: str = ""  # "right", "wrong", "chosen" or nothing: a frame and a sign, not colour alone


def tiles(images: np.ndarray, described: Sequence[Tile], size: int = 56) -> str:
    """Images, uint8 (N, 28, 28), as buttons of `size` pixels side by side."""
    if not len(images):
        return ""
    columns = min(_PER_ROW, len(images))
    rows = -(-len(images) // columns)
    buttons = [
        _button(tile, number % columns * size, number // columns * size)
        for number, tile in enumerate(described)
    ]
    return (
        f'<div class="tiles" style="--sheet:url({png_url(sheet(images) / 255)});--side:{size}px;'
        f'--sheet-size:{columns * size}px {rows * size}px">{"".join(buttons)}</div>'
    )


def sheet(images: np.ndarray) -> np.ndarray:
    """Images, uint8 (N, 28, 28), in rows of 20 at most: uint8 (H, W)."""
    columns = min(_PER_ROW, len(images))
    rows = -(-len(images) // columns)
    filled = np.zeros((rows * columns, SIDE, SIDE), dtype=np.uint8)
    filled[: len(images)] = images
    grid = filled.reshape(rows, columns, SIDE, SIDE).transpose(0, 2, 1, 3)
    return grid.reshape(rows * SIDE, columns * SIDE)


def _button(tile: Tile, x: int, y: int) -> str:
    signs = {"right": "✓", "wrong": "✗"}
    sign = f"<i>{signs[tile.mark]}</i>" if tile.mark in signs else ""
    caption = f"<small>{escape(tile.caption)}</small>" if tile.caption else ""
    label = escape(tile.label or tile.caption or tile.value, quote=True)
    return (
        f'<button type="button" class="tile {tile.mark}" data-value="{escape(tile.value)}" '
        f'aria-label="{label}" title="{label}"><span style="background-position:-{x}px -{y}px">'
        f"{sign}</span>{caption}</button>"
    )
