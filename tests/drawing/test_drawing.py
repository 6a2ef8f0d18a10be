import numpy as np
import pytest
from drawings import seven

from mnist_app.drawing import drawing as module
from mnist_app.drawing.drawing import CanvasStroke, Drawing, as_drawing


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 3), np.uint8),
        np.zeros((0, 5, 4), np.uint8),
        np.zeros((5, 5, 4)),
        [[[0, 0, 0, 0]]],
    ],
)
def test_what_are_no_pixels_is_refused_at_once(pixels):
    with pytest.raises(ValueError, match="a drawing must"):
        Drawing(pixels)


def test_the_ink_is_found_once_and_only_if_it_is_asked_for(monkeypatch):
    found = []
    monkeypatch.setattr(module, "_ink_of", lambda rgba: found.append(rgba))
    drawing = Drawing(seven())
    assert not found
    assert drawing.ink is None
    assert drawing.is_blank
    assert len(found) == 1


def test_ink_is_one_where_it_is_strongest_and_nothing_on_the_ground():
    drawing = Drawing(seven())
    assert drawing.ink.dtype == np.float32
    assert (drawing.ink.min(), drawing.ink.max()) == (0, 1)
    assert not drawing.is_blank
    assert Drawing(np.zeros((9, 9, 4), np.uint8)).is_blank


def test_the_key_tells_drawings_apart():
    line = np.array([[0.0, 0.0], [9.0, 9.0]])
    keys = {
        Drawing(seven()).key,
        Drawing(seven(dx=1)).key,
        Drawing(seven().transpose(1, 0, 2)).key,
        Drawing(seven(), [CanvasStroke(line, 4.0)]).key,
        Drawing(seven(), [CanvasStroke(line, 5.0)]).key,
        Drawing(seven(), [CanvasStroke(line, 5.0, erases=True)]).key,
    }
    assert len(keys) == 6
    assert Drawing(seven(), [CanvasStroke(line, 4.0)]).key in keys


def test_a_drawing_stays_itself():
    drawing = Drawing(seven())
    assert as_drawing(drawing) is drawing
    assert as_drawing(drawing.rgba).rgba is drawing.rgba
