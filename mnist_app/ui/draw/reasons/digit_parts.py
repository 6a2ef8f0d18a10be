"""The ink and the strokes of the digit whose reasons are shown."""

from collections.abc import Sequence

import numpy as np

from mnist_app.drawing import pen
from mnist_app.drawing.drawing import CanvasStroke, Drawing
from mnist_app.drawing.segmentation import Box, find_pieces, sheet_of
from mnist_app.ui.draw.reasons.panels import Subject


def digit_alone(subject: Subject) -> Drawing:
    """Return the drawing without the other digits.

    If the digit's ink can't be separated, that is the whole drawing.
    """
    drawing, box = subject.drawing, subject.found.box
    sheet = None if subject.is_alone else sheet_of(drawing)
    if sheet is None:
        return drawing
    group = next((group for group in find_pieces(sheet).groups if group.box == box), None)
    if group is None:
        return drawing
    ink = np.zeros(drawing.rgba.shape[:2], dtype=np.uint8)
    height, width = group.ink.shape
    ink[box.top : box.top + height, box.left : box.left + width] = 255 * group.ink
    return Drawing(pen.canvas_rgba(ink))


def strokes_in_box(strokes: Sequence[CanvasStroke], box: Box) -> list[CanvasStroke]:
    """Return the strokes of the digit in a box, with those of the eraser that reach into the box.

    A stroke of the pen belongs to it if more than half of its points are inside. Points that were
    erased do not count. Without such a stroke the list is empty.
    """
    left = pen.points_left(strokes)
    own = [bool(len(points)) and _inside(points, box).mean() > 0.5 for points in left]
    if not any(own):
        return []
    reach = [one.erases and _inside(one.path, box, one.width / 2).any() for one in strokes]
    return [one for one, *is_in in zip(strokes, own, reach, strict=True) if any(is_in)]


def _inside(points: np.ndarray, box: Box, margin: float = 0.0) -> np.ndarray:
    """Return whether each point, float (N, 2), is in a box that is `margin` pixels larger."""
    low = np.array([box.left, box.top])
    high = low + np.array([box.width, box.height])
    inside: np.ndarray = ((points >= low - margin) & (points <= high + margin)).all(axis=1)
    return inside


def strokes_up_to(strokes: Sequence[CanvasStroke], share: float) -> list[CanvasStroke]:
    """Return the strokes drawn after a share, 0..1, of their length, the last one cut short."""
    left = share * sum(_length(stroke.path) for stroke in strokes)
    drawn: list[CanvasStroke] = []
    for stroke in strokes:
        length = _length(stroke.path)
        if left < length - 1e-6:
            beginning = stroke._replace(path=_beginning(stroke.path, left))
            return [*drawn, beginning] if left > 0 else drawn
        drawn.append(stroke)
        left -= length
    return drawn


def _length(path: pen.Stroke) -> float:
    return float(_steps(path).sum())


def _steps(path: pen.Stroke) -> np.ndarray:
    return np.hypot(*np.diff(path, axis=0).T) if len(path) > 1 else np.zeros(0)


def _beginning(path: pen.Stroke, length: float) -> pen.Stroke:
    """Return the first `length` pixels of a stroke."""
    places = np.concatenate([[0.0], np.cumsum(_steps(path))])
    whole = path[places <= length]
    end = [np.interp(length, places, path[:, axis]) for axis in (0, 1)]
    return np.vstack([whole, end])
