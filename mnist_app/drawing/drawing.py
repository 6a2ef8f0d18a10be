"""A drawing: its pixels, its ink, and the strokes that made it if they are known.

A drawing is created once, from the canvas or a picture, and then passed on. This module needs only
numpy, because the canvas is on the page before torch and scipy are loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

MIN_CONTRAST = 32  # of 255, between ink and ground; with less the drawing counts as blank


class CanvasStroke(NamedTuple):
    """A stroke on the canvas, of the pen or of the eraser."""

    path: np.ndarray  # float (N, 2), x to the right and y downwards, in pixels
    width: float  # pixels
    erases: bool = False  # whether it removes ink instead of adding it


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing, made on the canvas or on paper.

    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4).
    """

    rgba: np.ndarray  # uint8 (H, W, 4), usually light ink on a dark ground
    strokes: Sequence[CanvasStroke] = ()  # in the order in which they were drawn; none: a picture

    def __post_init__(self) -> None:
        rgba = self.rgba
        if not isinstance(rgba, np.ndarray) or rgba.dtype != np.uint8:
            raise ValueError("a drawing must be a uint8 array")
        if rgba.ndim != 3 or rgba.shape[2] != 4 or 0 in rgba.shape:
            raise ValueError(f"a drawing must have the shape (H, W, 4), not {rgba.shape}")

    @cached_property
    def ink(self) -> np.ndarray | None:
        """How much each pixel differs from the ground, which is the border's median colour.

        float32 (H, W), from 0 for the ground to 1 for the strongest ink; None if nothing is drawn.
        """
        return _ink_of(self.rgba)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is drawn."""
        return self.ink is None

    @cached_property
    def key(self) -> int:
        """A hash of the drawing, stable within this process."""
        strokes = ((path.tobytes(), *kind) for path, *kind in self.strokes)
        return hash((self.rgba.shape, self.rgba.tobytes(), *strokes))


def as_drawing(drawing: Drawing | np.ndarray) -> Drawing:
    """Return a drawing as it is; make one from pixels, uint8 (H, W, 4)."""
    return drawing if isinstance(drawing, Drawing) else Drawing(drawing)


def _ink_of(rgba: np.ndarray) -> np.ndarray | None:
    difference = np.maximum.reduce([_from_ground(channel) for channel in _channels(rgba)])
    strongest = difference.max()
    if strongest < MIN_CONTRAST:
        return None
    ink: np.ndarray = difference.astype(np.float32)
    ink /= np.float32(strongest)
    return ink


def _channels(rgba: np.ndarray) -> list[np.ndarray]:
    """Return the channels worth comparing, uint8 (H, W).

    A grey drawing has one colour channel instead of three. Alpha is included if it is used.
    """
    red, green, blue, alpha = (np.ascontiguousarray(rgba[..., i]) for i in range(4))
    is_grey = np.array_equal(red, green) and np.array_equal(red, blue)
    colours = [red] if is_grey else [red, green, blue]
    if alpha.min() == 255:
        return colours
    opaque = alpha.astype(np.uint16)  # transparent pixels have no colour
    return [*((colour * opaque // 255).astype(np.uint8) for colour in colours), alpha]


def _from_ground(channel: np.ndarray) -> np.ndarray:
    """Return how much each pixel differs from the border's median, uint8."""
    border = np.concatenate([channel[0], channel[-1], channel[:, 0], channel[:, -1]])
    ground = np.uint8(np.median(border))
    difference: np.ndarray = np.maximum(channel, ground) - np.minimum(channel, ground)
    return difference
