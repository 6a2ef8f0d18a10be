"""Undo, redo and the pen's path, all derived from the strokes that the canvas sends."""

import numpy as np
import pytest

from mnist_app.drawing import pen
from mnist_app.ui.draw.strokes import (
    GROUND,
    INK,
    MOST_POINTS,
    History,
    drawing_of,
    is_too_long,
    valid_strokes,
)


def strokes(*names: str, color: str = INK) -> list[dict]:
    return [{"path": [["M", name]], "stroke": color} for name in names]


def test_undo_and_redo_follow_the_strokes():
    history = History()
    assert history.around([]) == (None, None)
    assert history.around(strokes("a")) == ([], None)
    assert history.around(strokes("a", "b")) == (strokes("a"), None)
    assert history.around(strokes("a")) == ([], strokes("a", "b"))  # after an undo
    assert history.around(strokes("a", "c")) == (strokes("a"), None)  # a new stroke
    assert history.around([]) == (None, strokes("a"))  # after two undos
    history.cleared = strokes("a", "c")
    assert history.around([]) == (strokes("a", "c"), strokes("a"))  # after a clear
    assert history.around(strokes("d")) == ([], None)
    assert history.around([]) == (None, strokes("d"))  # the cleared strokes are gone
    assert history.around(strokes("d")) == ([], None)
    history.cleared = strokes("d")
    assert history.around(strokes("d")) == ([], None)  # the canvas is not empty yet
    assert history.around([]) == (strokes("d"), strokes("d"))
    assert history.around(strokes("d")) == ([], None)  # after undo, the cleared strokes are back
    assert history.around([]) == (None, strokes("d"))  # after another undo, none is left


def test_undo_and_redo_take_a_stroke_of_the_eraser_as_one_step():
    drawn, erased = strokes("a"), strokes("b", color=GROUND)
    history = History()
    history.around(drawn)
    assert history.around(drawn + erased) == (drawn, None)
    assert history.around(drawn) == ([], drawn + erased)
    assert history.around(drawn + strokes("b")) == (drawn, None)  # the pen on the eraser's path


# The pen's path


def ring(brush: float) -> dict:
    turn = np.linspace(0, 2 * np.pi, 40)
    points = 140 + 18 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    start, *rest = points.tolist()
    return {"strokeWidth": brush, "path": [["M", *start], *(["L", *point] for point in rest)]}


def painted(stroke: dict) -> np.ndarray:
    line = np.array([command[-2:] for command in stroke["path"]])
    return pen.canvas_rgba(pen.draw([line], brush=stroke["strokeWidth"]))


def test_the_way_of_a_thick_brush_leaves_the_loop_open():
    thick = ring(40)
    read = drawing_of(painted(thick), [thick]).rgba
    assert painted(thick)[140, 140, 0] > 0  # the brush closed the loop
    assert read[140, 140, 0] == 0
    assert read[140, 158, 0] == 255
    assert read.shape == (280, 280, 4)


@pytest.mark.parametrize("strokes", [[ring(4)], []])
def test_a_fine_brush_and_pixels_without_strokes_stay_as_they_are(strokes):
    rgba = painted(ring(4))
    assert drawing_of(rgba, strokes).rgba is rgba


def test_a_drawing_has_the_paths_and_the_brush_that_it_is_read_by():
    thick = ring(40)
    drawing = drawing_of(painted(thick), [thick])
    (stroke,) = drawing.strokes
    assert stroke.path.tolist() == [command[-2:] for command in thick["path"]]
    assert stroke.width == 4
    assert not stroke.erases
    assert np.array_equal(drawing.rgba, pen.canvas_rgba(pen.draw([stroke.path], brush=4)))
    assert not drawing_of(painted(thick), []).strokes


def test_strokes_without_pixels_are_drawn():
    strokes = [ring(4)]
    read = drawing_of(None, strokes).rgba
    assert read.shape == (280, 280, 4)
    assert read[140, 158, 0] > 128
    assert read[140, 140, 0] == 0
    assert drawing_of(None, []) is None


RUB = {"strokeWidth": 80, "path": [["M", 180, 140], ["L", 200, 140]], "stroke": GROUND}


def test_erased_ink_is_not_in_the_drawing():
    for width in (4, 40):  # drawn as it is, or again with a finer brush
        read = drawing_of(None, [ring(width), RUB]).rgba
        assert read[140, 158, 0] == 0
        assert read[140, 122, 0] > 128
    after = drawing_of(None, [RUB, ring(4)]).rgba
    assert np.array_equal(after, drawing_of(None, [ring(4)]).rgba)
    assert drawing_of(None, [ring(4), RUB, RUB]).key != drawing_of(None, [ring(4), RUB]).key


@pytest.mark.parametrize("width", [4, 40])
def test_a_drawing_that_is_erased_whole_is_blank(width):
    path = ring(width)["path"]
    everything = {"strokeWidth": 80, "path": path, "stroke": GROUND}
    assert drawing_of(None, [ring(width), everything]).is_blank
    assert drawing_of(None, [everything]).is_blank


@pytest.mark.parametrize(
    "odd",
    [
        {"stroke": "#000001"},
        {"stroke": ["#000000"]},
        {"stroke": None},
        {"strokeWidth": 101},
        {"strokeWidth": -1},
        {"strokeWidth": float("nan")},
        {"strokeWidth": "80"},
        {"path": [["M", 1e7, 0]]},
        {"path": [["M", "a", "b"]]},
        {"path": "M"},
    ],
)
def test_strokes_of_the_eraser_are_checked_as_those_of_the_pen_are(odd):
    assert valid_strokes({"objects": [RUB]}) == [RUB]
    for stroke in (RUB, ring(4)):
        assert valid_strokes({"objects": [{**stroke, **odd}]}) == []


def test_a_drawing_of_too_many_points_is_told_from_one_that_is_read_whole():
    line = {"strokeWidth": 4, "path": [["L", x % 280, 9] for x in range(MOST_POINTS)]}
    assert valid_strokes({"objects": [line]}) == [line]
    assert not is_too_long({"objects": [line]})
    assert valid_strokes({"objects": [line, ring(4)]}) == [line]
    assert is_too_long({"objects": [line, ring(4)]})
    assert not is_too_long("nothing")
