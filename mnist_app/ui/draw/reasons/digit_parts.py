"""The ink and the strokes of the digit whose reasons are shown."""

import numpy as np

from mnist_app.drawing import pen
from mnist_app.drawing.drawing import Drawing
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


def strokes_in_box(paths: pen.Strokes, box: Box) -> pen.Strokes:
    """Return the strokes with more than half of their points in a box."""
    low = np.array([box.left, box.top])
    high = low + np.array([box.width, box.height])
    inside = [((path >= low) & (path <= high)).all(axis=1).mean() for path in paths]
    return [path for path, share in zip(paths, inside, strict=True) if share > 0.5]


def strokes_up_to(paths: pen.Strokes, share: float) -> pen.Strokes:
    """Return the strokes drawn after a share, 0..1, of the pen's path, the last one cut short."""
    left = share * sum(_length(path) for path in paths)
    drawn: list[pen.Stroke] = []
    for path in paths:
        length = _length(path)
        if left < length - 1e-6:
            return [*drawn, _beginning(path, left)] if left > 0 else drawn
        drawn.append(path)
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
