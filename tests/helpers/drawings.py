"""Synthetic drawings for tests."""

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

SIDE = 280


def canvas(*strokes: list[tuple[float, float]], brush: int = 18, side: int = SIDE) -> np.ndarray:
    """Draw white strokes on a black canvas, the way the browser does."""
    grey = Image.new("L", (side * 2, side * 2))
    draw = ImageDraw.Draw(grey)
    for stroke in strokes:
        points = [(2 * x, 2 * y) for x, y in stroke]
        draw.line(points, fill=255, width=2 * brush, joint="curve")
        for x, y in points:
            draw.ellipse((x - brush, y - brush, x + brush, y + brush), fill=255)
    return opaque(np.asarray(grey.resize((side, side), Image.Resampling.BOX)))


def opaque(grey: np.ndarray) -> np.ndarray:
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


def seven(dx: int = 0, dy: int = 0, size: int = 1) -> np.ndarray:
    stroke = [(70 + dx, 60 + dy), (170 + dx, 60 + dy), (110 + dx, 200 + dy)]
    points = [(size * x, size * y) for x, y in stroke]
    return canvas(points, brush=18 * size, side=SIDE * size)


def distance(one: Tensor, other: Tensor) -> float:
    """Return the mean difference per pixel of ink."""
    return ((one - other).abs().sum() / one.sum()).item()


def inverted(rgba: np.ndarray) -> np.ndarray:
    return np.dstack([255 - rgba[..., :3], rgba[..., 3]])


def black_on_transparent(rgba: np.ndarray) -> np.ndarray:
    return np.dstack([np.zeros_like(rgba[..., :3]), rgba[..., 0]])
