"""Strokes as a page may send them, and files of strokes."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import spoiled, spoiled_json
from hypothesis import given
from hypothesis import strategies as st

from mnist_app.drawing import pen
from mnist_app.ui.draw import strokes

SEVEN = [[[80, 60], [200, 60], [130, 220]], [[100, 140], [180, 140]]]
LINES = [{"label": 7, "writer": "anna", "strokes": SEVEN}] * 3
UNIPEN = """.VERSION 1.0
.COMMENT 17 3
.SEGMENT DIGIT 0 ? "7"
.PEN_DOWN
80 -60
200 -60
130 -220
.PEN_UP
.DT 100
.SEGMENT DIGIT 1 ? "1"
.PEN_DOWN
10 10
12 90
.PEN_UP
"""

NUMBERS = st.one_of(
    st.floats(), st.integers(), st.floats(0, 280), st.sampled_from([10**400, -(10**400), 1e308])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=20,
)
COMMAND = st.one_of(
    st.tuples(st.sampled_from("MLQZ"), NUMBERS, NUMBERS).map(list),
    st.tuples(st.just("Q"), NUMBERS, NUMBERS, NUMBERS, NUMBERS).map(list),
    JSON,
)
STROKE = st.one_of(
    st.fixed_dictionaries(
        {"path": st.one_of(st.lists(COMMAND, max_size=12), JSON)},
        optional={
            "strokeWidth": st.one_of(NUMBERS, st.floats(1, 100), JSON),
            "stroke": st.one_of(st.sampled_from([strokes.INK, strokes.GROUND]), JSON),
        },
    ),
    JSON,
)
PAGE = st.one_of(st.fixed_dictionaries({"objects": st.lists(STROKE, max_size=5)}), JSON)


def read(sent: Any) -> None:
    """Do what the canvas does with the strokes that a page sent."""
    found = strokes.valid_strokes(sent)
    history = strokes.History()
    history.around(found)
    history.around(found[:-1])
    json.dumps(found)
    drawing = strokes.drawing_of(None, found)
    for stroke in drawing.strokes if drawing else []:
        assert stroke.path.ndim == 2
        assert np.isfinite(stroke.path).all()
    assert drawing is None or drawing.rgba.shape == (280, 280, 4)
    blank = pen.canvas_rgba(np.zeros((280, 280), dtype=np.uint8))
    assert strokes.drawing_of(blank, found).rgba.shape == (280, 280, 4)


def test_nothing_that_a_page_sends_does_harm():
    with limits.tallied("strokes sent by a page: any JSON") as judge:

        @limits.settings(5000)
        @given(PAGE)
        def look(sent: Any) -> None:
            judge(lambda: read(sent))

        look()


def long_drawing(case: Case) -> Attempt:
    """Read many strokes, or long ones, as only a forged page would send."""
    number, points = case.one_of([(1, 200_000), (20_000, 3), (3000, 30), (1, 3)])
    scale = float(case.one_of([1, 1e3, 1e6, 1e30]))
    places = case.random.random((points, 2)) * 280 * scale
    path = [["M", *places[0].tolist()], *(["L", *place] for place in places[1:].tolist())]
    width = float(case.one_of([0, 1, 40, 1e4, 1e30, math.nan, -5]))
    colors = case.one_of([[strokes.INK], [strokes.INK, strokes.GROUND]])
    one = {"path": path, "strokeWidth": width}
    sent = {"objects": [{**one, "stroke": colors[i % len(colors)]} for i in range(number)]}
    return lambda: read(sent)


def test_no_long_drawing_takes_long():
    limits.check(long_drawing, "strokes sent by a page: many and long ones", limits.count(200, 8))


# Files


def spoiled_file(case: Case) -> Attempt:
    kind = case.one_of(["json", "jsonl", "tra", "json parts"])
    lines = spoiled_json(LINES, case.random) if kind == "json parts" else LINES
    if kind == "tra":
        data = UNIPEN.encode()
    elif kind == "jsonl":
        data = "\n".join(map(json.dumps, LINES)).encode()
    else:
        data = json.dumps(lines).encode()
    if kind != "json parts":
        data = spoiled(data, case.random)
    path = case.folder / f"strokes.{kind.split()[0]}"
    path.write_bytes(data)
    case.names = (path.name,)
    return lambda: read_file(path)


def read_file(path: Path) -> None:
    for digit in pen.read_strokes(path):
        assert digit.label in range(10)
        placed = pen.placed(digit.strokes)
        assert all(np.isfinite(stroke).all() for stroke in placed)
        assert pen.draw(placed, brush=pen.fine_brush(placed, 18)).shape == (280, 280)


def deep_file(case: Case) -> Attempt:
    path = case.folder / "strokes.json"
    depth = 10 ** int(case.random.integers(1, 6))
    path.write_text(case.one_of(["[", '{"label": 7, "strokes": ' + "[" * depth, "[[" * depth]))
    case.names = (path.name,)
    return lambda: read_file(path)


def test_no_file_of_strokes_does_harm():
    limits.check(spoiled_file, "stroke files: mutations", limits.count(5000))


def test_no_deep_file_of_strokes_does_harm():
    limits.check(deep_file, "stroke files: deeply nested JSON", limits.count(100, 10))


def test_the_real_files_are_right_answers(tmp_path):
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    for name, text in (("a.json", json.dumps(LINES)), ("a.tra", UNIPEN)):
        (tmp_path / name).write_text(text)
        read_file(tmp_path / name)
    path = [["M", 80, 60], ["Q", 0, 0, 200, 60], ["L", 130, 220]]
    assert len(strokes.valid_strokes({"objects": [{"path": path, "strokeWidth": 20}]})) == 1
