"""The strokes that the canvas sends: checks, undo and redo, and the drawing made from them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_app.drawing import pen
from mnist_app.drawing.drawing import CanvasStroke, Drawing

Strokes = list[dict[str, Any]]
MOST_POINTS = 10_000  # per drawing; drawing a number takes a few hundred
INK, GROUND = "#FFFFFF", "#000000"  # a stroke in the colour of the ground erases
_WIDEST = 100  # pixels, the widest brush accepted; the app's own are narrower


def valid_strokes(json_data: Any) -> Strokes:
    """Return the strokes that can be drawn, up to MOST_POINTS points.

    Args:
        json_data: what the page sent, which may be anything. The canvas sends
            {"objects": [{"path": [["M", x, y], ...], "strokeWidth": w, "stroke": colour}]},
            where the colour is INK, or GROUND for the eraser; without one it is INK.
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
    """Return whether strokes are left out because the drawing has too many points."""
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
    if stroke.get("stroke", INK) not in (INK, GROUND):
        return False
    try:
        return pen.is_path(_points(stroke))
    except (TypeError, ValueError, KeyError, OverflowError):
        return False


def _is_width(width: Any) -> bool:
    return isinstance(width, int | float) and 0 <= width <= _WIDEST


@dataclass
class History:
    """The strokes that undo and redo can bring back.

    The longest sequence of strokes is kept. As long as the canvas shows the start of it, the rest
    can be redone. Undo after clear brings the strokes back once.
    """

    longest: Strokes = field(default_factory=list)
    cleared: Strokes | None = None
    was_empty: bool = False

    def around(self, strokes: Strokes) -> tuple[Strokes | None, Strokes | None]:
        """Return what undo and redo would show, each None if there is nothing to do.

        Args:
            strokes: on the canvas now.
        """
        if _facts(strokes) != _facts(self.longest)[: len(strokes)]:
            self.longest, self.cleared = strokes, None
        elif not self.longest:
            return None, None
        elif strokes and self.was_empty:  # the cleared strokes are back
            self.cleared = None
        self.was_empty = not strokes
        before = strokes[:-1] if strokes else self.cleared
        after = self.longest[: len(strokes) + 1] if len(strokes) < len(self.longest) else None
        return before, after


def _facts(strokes: Strokes) -> list[Any]:
    """Return what makes strokes the same, although the canvas may send other details of them."""
    return [(stroke.get("path"), _erases(stroke)) for stroke in strokes]


def _erases(stroke: dict[str, Any]) -> bool:
    return bool(stroke.get("stroke") == GROUND)


def drawing_of(rgba: np.ndarray | None, strokes: Strokes) -> Drawing | None:
    """Return the drawing on the canvas, or None if there are neither pixels nor strokes.

    A thick brush hides details, so its strokes are drawn again with a finer one. They are also
    drawn if there are no pixels: a remounted canvas has its strokes, but sends no pixels until the
    next stroke.

    Args:
        rgba: the canvas's pixels, uint8 (H, W, 4).
        strokes: on the canvas.
    """
    drawn = [_canvas_stroke(stroke) for stroke in strokes if stroke.get("path")]
    if not drawn:
        return None if rgba is None else Drawing(rgba)
    fine = pen.with_fine_brush(drawn)
    if rgba is None or any(
        one.width != other.width for one, other in zip(fine, drawn, strict=True)
    ):
        side = pen.CANVAS if rgba is None else len(rgba)
        rgba = pen.canvas_rgba(pen.draw_canvas(fine, side=side))
    return Drawing(rgba, fine)


def _canvas_stroke(stroke: dict[str, Any]) -> CanvasStroke:
    width = float(stroke.get("strokeWidth", 0))
    return CanvasStroke(_points(stroke), width, _erases(stroke))


def _points(stroke: dict[str, Any]) -> pen.Stroke:
    """Return the points of a path such as [["M", x, y], ["Q", ..., x, y], ["L", x, y]]."""
    return np.array([command[-2:] for command in stroke["path"] if len(command) > 2], dtype=float)
