"""The parts of the reasons panels that need no page, and the cost of a closed panel."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from drawings import canvas, seven
from effort import scaled

from mnist_app.drawing import pen
from mnist_app.drawing.drawing import CanvasStroke, Drawing
from mnist_app.drawing.segmentation import Box
from mnist_app.figures.data_urls import png_url
from mnist_app.figures.heatmaps import (
    Captioned,
    captioned,
    color_bar,
    diverging,
    limit_of,
    mosaic,
    over_digit,
    sequential,
)
from mnist_app.recognition.predictor import Found, Prediction, Predictor
from mnist_app.ui.draw.reasons.digit_parts import digit_alone, strokes_in_box, strokes_up_to
from mnist_app.ui.draw.reasons.neighbours import majority
from mnist_app.ui.draw.reasons.panels import Subject
from mnist_app.ui.loaded_networks import ReadyChoice

ROOT = Path(__file__).resolve().parents[3]
LINE = CanvasStroke(np.array([(0.0, 0.0), (30.0, 40.0)]), 18)  # 50 pixels long
LEG = CanvasStroke(np.array([(100.0, 0.0), (100.0, 20.0), (100.0, 50.0)]), 18)
TAP = CanvasStroke(np.array([(5.0, 5.0)]), 18)
RUB = LEG._replace(width=40, erases=True)


# The pen's path


def test_half_the_way_is_half_the_length_stroke_by_stroke():
    (begun,) = strokes_up_to([LINE, LEG], 0.25)
    assert begun.path[-1] == pytest.approx((15, 20))
    first, second = strokes_up_to([LINE, LEG], 0.8)
    assert first is LINE
    assert second.path[:2].tolist() == LEG.path[:2].tolist()
    assert second.path[-1] == pytest.approx((100, 30))
    assert len(strokes_up_to([LINE, LEG], 0.5)) == 1
    assert len(strokes_up_to([LINE, LEG], 0.01)) == 1


def test_the_whole_way_is_the_drawing():
    assert strokes_up_to([LINE, LEG, TAP], 1.0) == [LINE, LEG, TAP]
    drawn = ink_along_the_way([LINE, LEG])
    assert (np.diff(drawn) >= 0).all()
    assert drawn[-1] == pen.draw([LINE.path, LEG.path]).sum()


def ink_along_the_way(strokes: list[CanvasStroke]) -> list[int]:
    shares = np.arange(1, 41) / 40
    return [int(pen.draw_canvas(strokes_up_to(strokes, share)).sum()) for share in shares]


def test_the_eraser_erases_in_the_replay_too():
    drawn = ink_along_the_way([LINE, LEG, RUB])
    assert (np.diff(drawn[:26]) >= 0).all()
    assert (np.diff(drawn[27:]) <= 0).all()
    assert drawn[26] > drawn[30] > drawn[-1]
    assert drawn[-1] == pen.draw([LINE.path]).sum()


def test_a_tap_is_there_at_its_time():
    assert len(strokes_up_to([TAP], 1 / 40)) == 1
    assert len(strokes_up_to([LINE, TAP], 0.9)) == 1
    assert len(strokes_up_to([LINE, TAP], 1.0)) == 2


def test_the_strokes_of_a_digit_are_those_in_its_box():
    assert strokes_in_box([LINE, LEG], Box(0, 0, 50, 60)) == [LINE]
    assert strokes_in_box([LINE, LEG], Box(90, 0, 20, 60)) == [LEG]
    assert strokes_in_box([LINE, LEG], Box(40, 0, 20, 60)) == []


def test_what_the_eraser_left_of_a_stroke_decides_on_its_digit():
    points = np.stack([np.full(20, 200.0), np.arange(20, 220, 10)], axis=1)
    line = CanvasStroke(points, 18)
    rub = CanvasStroke(points[6:], 40, erases=True)
    top = Box(190, 10, 20, 60)
    assert strokes_in_box([line], top) == []
    assert strokes_in_box([LINE, line, rub], top) == [line, rub]
    assert strokes_in_box([LINE, line, rub], Box(0, 0, 50, 60)) == [LINE]  # rubbed elsewhere
    assert strokes_in_box([line, rub], Box(190, 100, 20, 100)) == []


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("canvas")


def test_a_digit_of_a_number_is_drawn_alone(predictor):
    strokes = [(30, 80), (90, 80), (60, 200)], [(200, 70), (200, 210)]
    drawing = Drawing(canvas(*strokes, brush=14))
    found = predictor.read_number(drawing)
    assert [one.prediction.digit for one in found] == [7, 1]
    for one, stroke in zip(found, strokes, strict=True):
        alone = digit_alone(
            Subject(ReadyChoice("canvas", predictor, 0), drawing, one, is_alone=False)
        )
        assert alone.rgba.shape == drawing.rgba.shape
        difference = np.abs(alone.rgba[..., 0].astype(int) - canvas(stroke, brush=14)[..., 0])
        assert difference.max() < 8
        assert predictor.predict(alone).digit == one.prediction.digit


def test_what_was_computed_is_kept_until_the_digit_changes(predictor, monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    (found,) = predictor.read_number(seven())
    subject = Subject(ReadyChoice("canvas", predictor, 0), Drawing(seven()), found, is_alone=True)
    again = Subject(ReadyChoice("canvas", predictor, 0), Drawing(seven()), found, is_alone=True)
    newer = Subject(ReadyChoice("canvas", predictor, 1), Drawing(seven()), found, is_alone=True)
    counted = iter(range(10))
    assert subject.remembered("x", lambda: next(counted), 3) == 0
    assert again.remembered("x", lambda: next(counted), 3) == 0
    assert again.remembered("x", lambda: next(counted), 4) == 1
    assert newer.remembered("x", lambda: next(counted), 4) == 2


# Words and pictures


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([7] * 12, "All 12 nearest are 7s."),
        ([7] * 9 + [1, 1, 9], "9 of the 12 nearest are 7s; the others: 2 × 1, 1 × 9."),
        ([3] * 11 + [8], "11 of the 12 nearest are 3s; the others: 1 × 8."),
    ],
)
def test_the_majority_in_words(labels, words):
    assert majority(labels) == words


def test_colours_tell_the_sign_and_the_strength():
    values = np.array([-1, -0.5, 0, 0.5, 1.0])
    colours = diverging(values).astype(int)
    assert colours[2].tolist() == [0, 0, 0]
    assert (colours[:2, 2] > colours[:2, 0]).all()  # blue
    assert (colours[3:, 0] > colours[3:, 2]).all()  # orange
    brightness = colours.sum(axis=1)
    assert brightness[0] > brightness[1] > 0
    assert brightness[4] > brightness[3] > 0
    assert sequential(values)[2:].tolist() == colours[2:].tolist()


def test_the_heat_has_its_colours_and_the_digit_an_outline():
    heat, image = np.zeros((28, 28)), np.zeros((28, 28))
    heat[3, 4], image[10:20, 10:20] = 2.0, 1.0
    picture = over_digit(heat, image, diverging, 2.0)
    assert picture.shape == (224, 224, 3)
    assert (picture[24:32, 32:40] == diverging(np.array(1.0))).all()
    edges = picture[84:, 84:][:72, :72].any(axis=2)
    assert not edges.any()  # inside
    assert picture[80, 100].min() > 100
    assert picture[100, 160].min() > 100


def test_maps_side_by_side_with_clear_gaps():
    maps = np.stack([np.full((3, 2), value) for value in (-1.0, 0.0, 1.0)])
    pixels = mosaic(maps, 1.0, columns=2)
    assert pixels.shape == (7, 5, 4)
    assert pixels[:, 2, 3].tolist() == [0] * 7
    assert pixels[0, 0].tolist() == [*diverging(np.array(-1.0)), 255]
    assert pixels[0, 3].tolist() == [0, 0, 0, 255]
    assert pixels[4, 0].tolist() == [*diverging(np.array(1.0)), 255]
    assert pixels[4, 3, 3] == 0  # there is no fourth map


def test_a_colour_bar_says_its_numbers_and_unit():
    signed = color_bar(1.234, "logits <&>", signed=True)
    assert re.findall(r"<span>(.*?)</span>", signed) == ["−1.23", "0", "+1.23"]
    assert "logits &lt;&amp;&gt;" in signed
    assert re.findall(r"<span>(.*?)</span>", color_bar(0.5, "x", signed=False)) == ["0", "0.5"]
    assert limit_of(np.zeros(3)) == 1
    assert limit_of(np.array([-3.0, 2.0])) == 3


def test_texts_of_a_figure_are_escaped():
    html = captioned([Captioned("<b>", "a < b", png_url(np.zeros((2, 2))), '">')])
    assert "<b><b>" not in html
    assert '">"' not in html
    assert "a &lt; b" in html


def test_a_verdict_says_whether_it_is_the_same_digit():
    from mnist_app.ui.draw.reasons.robustness import _verdict

    def one(digit: int | None, nearest: int, sure: float) -> Prediction:
        return Found(
            Box(0, 0, 1, 1), Prediction(digit, nearest, np.full(10, 0.1), sure, np.zeros((28, 28)))
        ).prediction

    before = one(3, 3, 0.99)
    assert _verdict(before, one(3, 3, 0.7)) == "Still read as 3, 70.0% sure"
    assert _verdict(before, one(8, 8, 0.7)) == "Now read as 8, 70.0% sure"
    assert _verdict(before, one(None, 8, 0.2)) == "Not a digit: most like 8, 20.0% sure"


# Closed panels cost nothing


PAGE = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_string('''
import streamlit as st
from drawings import seven
from mnist_app.drawing.drawing import Drawing
from mnist_app.ui import loaded_networks, session
from mnist_app.ui.draw.reasons import panels as reasons
choice = loaded_networks.predictor_for("lenet5")
memory = session.current_session().draw
memory.drawing = Drawing(seven())
memory.found = choice.predictor.read_number(memory.drawing)
reasons.render(lambda: choice)
''', default_timeout=180)
for panel in sys.argv[1:]:
    app.session_state[f"reasons_{panel}"] = True
app.run()
assert not app.exception, app.exception
assert len(app.expander) == 6
parts = "captum", "matplotlib", "mnist_app.recognition.explain", "mnist_app.recognition.neighbours"
loaded = {name for name in sys.modules if name.startswith("mnist_app.ui.draw.reasons.")}
loaded.discard("mnist_app.ui.draw.reasons.panels")
print(sorted(loaded | sys.modules.keys() & set(parts)))
print(list(app.session_state["session"].reasons.kept))
"""


@pytest.mark.parametrize(
    ("opened", "loaded", "kept"),
    scaled(
        [((), "[]", "[]")],
        [
            ((), "[]", "[]"),
            (("why",), "captum", "['why']"),
            (("layers",), "mnist_app.recognition.explain", "['layers']"),
        ],
    ),
)
def test_a_closed_panel_loads_and_computes_nothing(opened, loaded, kept):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    done = subprocess.run(
        [sys.executable, "-c", PAGE, *opened],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    modules, state = done.stdout.splitlines()
    assert loaded in modules
    assert state == kept
    assert ("captum" in modules) == ("why" in opened)
