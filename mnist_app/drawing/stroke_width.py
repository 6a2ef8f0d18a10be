"""Measure the width of a drawing's strokes, and change it to that of MNIST's digits."""

import numpy as np
from scipy import ndimage

STROKE = 2.4  # pixels, width of a stroke in the normal form; MNIST's median is 2.3


_WIDEST = 0.165  # of a drawing's longest side: the largest radius of its strokes


def stroke_radius(inside: np.ndarray) -> float:
    """Return half the width of the strokes: how far their middle line is from the ground.

    Most of the middle lines in a drawing belong to plain strokes. The distance is greater where
    strokes meet and where loops are filled, so a low quantile finds the brush.

    Args:
        inside: distance of every pixel of ink from the ground, 0 on the ground.
    """
    middle = inside >= ndimage.maximum_filter(inside, 3)
    radius = np.quantile(inside[middle & (inside > 0.3 * inside.max())], 0.1)
    return float(min(radius, _WIDEST * max(inside.shape)))


def thicker(mask: np.ndarray, by: float) -> np.ndarray:
    """Grow strokes, bool (H, W), by some pixels on each side: float (H, W), 0..1."""
    grown: np.ndarray = np.clip(by + 1 - ndimage.distance_transform_edt(~mask), 0, 1)
    return grown


def thinner(mask: np.ndarray, inside: np.ndarray, radius: float, wanted: float) -> np.ndarray:
    """Thin strokes from a radius of `radius` to `wanted`; thinner ones keep their middle line."""
    thin: np.ndarray = np.clip(inside - (radius - wanted), 0, 1)
    weak = (inside >= ndimage.maximum_filter(inside, 3)) & (inside > 0) & (inside < radius)
    if not weak.any():
        return thin
    kept = np.clip(wanted + 0.5 - ndimage.distance_transform_edt(~weak), 0, 1)
    result: np.ndarray = np.maximum(thin, kept * mask)
    return result
