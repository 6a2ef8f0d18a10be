"""The strokes that the canvas sends: undo and redo, and the way the pen went."""

from collections.abc import MutableMapping
from typing import Any

import numpy as np

from mnist_app.drawing import pen

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


def undo_and_redo(state: MutableMapping[str, Any], strokes: Strokes) -> tuple[Strokes | None, ...]:
    """What undo and redo lead to, None where there is nothing to undo or redo.

    The longest row of strokes is kept in `state`: as long as the canvas shows its beginning, the
    rest can be redone. What was cleared stands in `state["cleared"]` and comes back by undo, once.
    """
    longest = state.get("longest", [])
    if _paths(strokes) != _paths(longest)[: len(strokes)]:
        longest = state["longest"] = strokes
        state["cleared"] = None
    elif not longest:
        return None, None
    elif strokes and state.get("was_empty"):  # what was cleared is back
        state["cleared"] = None
    state["was_empty"] = not strokes
    back = strokes[:-1] if strokes else state.get("cleared")
    forth = longest[: len(strokes) + 1] if len(strokes) < len(longest) else None
    return back, forth


def _paths(strokes: Strokes) -> list[Any]:
    return [stroke.get("path") for stroke in strokes]


def drawn_with_fine_pen(rgba: np.ndarray | None, strokes: Strokes) -> np.ndarray | None:
    """The drawing without what a thick brush hides: its path, drawn with a finer one.

    A drawing whose brush is fine enough is returned as it is. A canvas that is mounted anew has
    its strokes, but sends no pixels before the next one: they are drawn here.
    """
    paths = paths_of(strokes)
    if not paths:
        return rgba
    widest = widest_brush(strokes)
    brush = pen.fine_brush(paths, widest)
    if rgba is not None and brush == widest:
        return rgba
    side = pen.CANVAS if rgba is None else len(rgba)
    return pen.canvas_rgba(pen.draw(paths, brush=brush, side=side))


def paths_of(strokes: Strokes) -> list[pen.Stroke]:
    """The ways of the pen, each float (N, 2), in canvas pixels."""
    return [_points(stroke) for stroke in strokes if stroke.get("path")]


def widest_brush(strokes: Strokes) -> float:
    """The greatest width, pixels, that one of at least one stroke was drawn with."""
    return max(float(stroke.get("strokeWidth", 0)) for stroke in strokes)


def _points(stroke: dict[str, Any]) -> pen.Stroke:
    """The points of a path such as [["M", x, y], ["Q", ..., x, y], ["L", x, y]]."""
    return np.array([command[-2:] for command in stroke["path"] if len(command) > 2], dtype=float)
