"""One stroke, followed from the canvas to the answer, the reasons and the other tabs."""

from types import SimpleNamespace

import pytest
from drawings import seven
from streamlit.testing.v1 import AppTest

from mnist_app.drawing import drawing

STROKE = {"path": [["M", 70, 60], ["L", 170, 60], ["L", 110, 200]], "strokeWidth": 18}
PAGE = """
from mnist_app.ui import loaded_networks, session
from mnist_app.ui.draw import tab
from mnist_app.ui.draw.reasons import panels
choice = loaded_networks.predictor_for("canvas")
tab.render(lambda: choice)
panels.render(lambda: choice)
session.current_drawing()
"""


@pytest.fixture
def stroke(monkeypatch) -> SimpleNamespace:
    """What the canvas sends, made up without a browser."""
    AppTest.from_string("import streamlit_drawable_canvas").run()  # imports only in a running app
    from mnist_app.ui.draw import canvas

    sent = SimpleNamespace(json_data={"objects": [STROKE]}, image_data=seven())
    monkeypatch.setattr(canvas, "st_canvas", lambda **_: sent)
    monkeypatch.setattr(canvas, "_script", lambda: lambda **_: None)
    return sent


@pytest.fixture
def inks(monkeypatch) -> list:
    """The drawings (their pixels) in which ink was looked for."""
    looked, find = [], drawing._ink_of

    def counted(rgba):
        looked.append(rgba)
        return find(rgba)

    monkeypatch.setattr(drawing, "_ink_of", counted)
    return looked


@pytest.mark.parametrize("opened", ["none", "why", "layers", "xray", "hold"])
def test_the_ink_of_a_stroke_is_looked_for_once(stroke, inks, opened):
    app = AppTest.from_string(PAGE, default_timeout=180)
    app.session_state[f"reasons_{opened}"] = True
    app.run()
    assert not app.exception
    assert app.session_state["session"].draw.found[0].prediction.digit == 7
    assert len(inks) == 1
    app.run()  # the same drawing again, as when a slider is moved
    assert len(inks) == 1
    stroke.json_data, stroke.image_data = {"objects": [STROKE, STROKE]}, seven(dx=20)
    app.run()
    assert len(inks) == 2


def test_the_drawing_in_the_session_has_the_way_of_the_pen(stroke):
    app = AppTest.from_string(PAGE, default_timeout=180).run()
    memory = app.session_state["session"].draw
    (stroke,) = memory.drawing.strokes
    assert stroke.path.tolist() == [[70, 60], [170, 60], [110, 200]]
    assert stroke.width == 14  # a tenth of its height, finer than the original brush
    assert memory.strokes == [STROKE]
