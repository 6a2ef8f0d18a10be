"""The strokes that the canvas sends: undo and redo, and the drawing they are."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_app.drawing import pen
from mnist_app.drawing.drawing import Drawing

Strokes = list[dict[str, Any]]
MOST_POINTS = 10_000  # of a drawing; who draws a number has a few hundred
_WIDEST = 60  # pixels, of a brush; the app's are narrower


def valid_strokes(json_data: Any) -> Strokes:
    """The strokes in what the page sent, which may be anything: those that can be drawn.

    Args:
        json_data: of the canvas, {"objects": [{"path": [["M", x, y], ...], "strokeWidth": w}]}.
    """
    found, points = [], 0
    for stroke in _objects(json_data):
        points += _count(stroke)
        if points > MOST_POINTS:
            break
        if _is_stroke(stroke):
            found.append(stroke)
    return found


def is_too_long(json_data: Any) -> bool:
    """Whether strokes are left out because the drawing has too many points."""
    return sum(map(_count, _objects(json_data))) > MOST_POINTS


def _objects(json_data: Any) -> list[Any]:
    objects = json_data.get("objects") if isinstance(json_data, dict) else None
    return objects if isinstance(objects, list) else []


def _count(stroke: Any) -> int:
    path = stroke.get("path") if isinstance(stroke, dict) else None
    return len(path) if isinstance(path, list) else 0


def _is_stroke(stroke: Any) -> bool:
    if not _count(stroke) or not _is_width(stroke.get("strokeWidth", 0)):
        return False
    try:
        return pen.is_path(_points(stroke))
    except (TypeError, ValueError, KeyError, OverflowError):
        return False


def _is_width(width: Any) -> bool:
    return isinstance(width, int | float) and 0 <= width <= _WIDEST


@dataclass
class History:
    """What undo and redo lead to.

    The longest row of strokes is kept: as long as the canvas shows its beginning, the rest can be
    redone. What was cleared comes back by undo, once.
    """

    longest: Strokes = field(default_factory=list)
    cleared: Strokes | None = None
    was_empty: bool = False

    def around(self, strokes: Strokes) -> tuple[Strokes | None, Strokes | None]:
        """The strokes before and after these, on the canvas now; None where there are none."""
        if _paths(strokes) != _paths(self.longest)[: len(strokes)]:
            self.longest, self.cleared = strokes, None
        elif not self.longest:
            return None, None
        elif strokes and self.was_empty:  # what was cleared is back
            self.cleared = None
        self.was_empty = not strokes
        before = strokes[:-1] if strokes else self.cleared
        after = self.longest[: len(strokes) + 1] if len(strokes) < len(self.longest) else None
        return before, after


def _paths(strokes: Strokes) -> list[Any]:
    return [stroke.get("path") for stroke in strokes]


def drawing_of(rgba: np.ndarray | None, strokes: Strokes) -> Drawing | None:
    """What is on the canvas: its pixels, uint8 (H, W, 4), and strokes; None if there are neither.

    A thick brush hides what a finer one, with which the paths are then drawn again, shows. A
    canvas that is mounted anew has its strokes, but sends no pixels before the next one: they are
    drawn, too.
    """
    paths = [_points(stroke) for stroke in strokes if stroke.get("path")]
    if not paths:
        return None if rgba is None else Drawing(rgba)
    widest = max(float(stroke.get("strokeWidth", 0)) for stroke in strokes)
    brush = pen.fine_brush(paths, widest)
    if rgba is None or brush != widest:
        side = pen.CANVAS if rgba is None else len(rgba)
        rgba = pen.canvas_rgba(pen.draw(paths, brush=brush, side=side))
    return Drawing(rgba, paths, brush)


def _points(stroke: dict[str, Any]) -> pen.Stroke:
    """The points of a path such as [["M", x, y], ["Q", ..., x, y], ["L", x, y]]."""
    return np.array([command[-2:] for command in stroke["path"] if len(command) > 2], dtype=float)
