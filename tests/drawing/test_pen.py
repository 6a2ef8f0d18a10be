import json
from pathlib import Path

import numpy as np
import pytest

from mnist_app.common.errors import InputError
from mnist_app.drawing.drawing import CanvasStroke
from mnist_app.drawing.pen import (
    CANVAS,
    PenDigit,
    canvas_rgba,
    draw,
    draw_canvas,
    fine_brush,
    in_a_row,
    placed,
    points_left,
    read_strokes,
    with_fine_brush,
)

UNIPEN = """\
.INCLUDE        dene.doc
.LEXICON "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"
.HIERARCHY      DIGIT

.SEGMENT DIGIT    0 ? "8"
.COMMENT 8 12  224
.PEN_DOWN
 267  333
 260  300
.PEN_UP
.DT 100

.SEGMENT DIGIT    1 ? "5"
.COMMENT 5 30  225
.PEN_DOWN
 10  40
 20  30
 30  20
.PEN_UP
.PEN_DOWN
 15  45.5
 25  45.5
.PEN_UP
"""
SEVEN = {"label": 7, "writer": "anna", "strokes": [[[0, 0], [10, 0], [4, 20]], [[2, 10], [8, 10]]]}
ONE = {"label": 1, "writer": "ben", "strokes": [[[3, 0], [3, 20.5]]]}


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def plain(digits: list[PenDigit]) -> list[tuple[int, str, list[list[list[float]]]]]:
    return [(d.label, d.writer, [stroke.tolist() for stroke in d.strokes]) for d in digits]


def box(strokes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


# Files


@pytest.mark.parametrize("name", ["a.tra", "a.tes", "a.unp", "a.unipen", "a.dat", "a.other"])
def test_unipen_tells_label_writer_and_strokes_with_y_turned_downwards(name, tmp_path):
    digits = read_strokes(write(tmp_path, name, UNIPEN))
    assert plain(digits) == [
        (8, "12", [[[267, -333], [260, -300]]]),
        (5, "30", [[[10, -40], [20, -30], [30, -20]], [[15, -45.5], [25, -45.5]]]),
    ]
    assert all(stroke.dtype == float for digit in digits for stroke in digit.strokes)


EXPECTED = [
    (7, "anna", [[[0, 0], [10, 0], [4, 20]], [[2, 10], [8, 10]]]),
    (1, "ben", [[[3, 0], [3, 20.5]]]),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", [SEVEN, ONE]),
        ("a.json", json.dumps([SEVEN, ONE], indent=2)),
        ("a.jsonl", f"{json.dumps(SEVEN)}\n{json.dumps(ONE)}\n"),
        ("a.json", f"{json.dumps(SEVEN)}\n{json.dumps(ONE)}"),
        ("a.jsonl", [SEVEN, ONE]),
    ],
    ids=["list", "indented list", "lines", "lines in .json", "list in .jsonl"],
)
def test_json_is_a_list_or_one_object_per_line(name, content, tmp_path):
    assert plain(read_strokes(write(tmp_path, name, content))) == EXPECTED


def test_blank_lines_between_objects_do_no_harm(tmp_path):
    path = write(tmp_path, "a.jsonl", f"{json.dumps(SEVEN)}\n\n{json.dumps(ONE)}\n\n")
    assert plain(read_strokes(path)) == EXPECTED


def test_a_writer_need_not_be_named(tmp_path):
    path = write(tmp_path, "a.json", [{"label": 3, "strokes": [[[0, 0]]]}])
    assert plain(read_strokes(path)) == [(3, "", [[[0, 0]]])]


@pytest.mark.parametrize("writer", ["Jörg", "Åsa", "李"])
@pytest.mark.parametrize("as_lines", [False, True])
def test_a_writer_may_have_any_name(writer, as_lines, tmp_path):
    text = json.dumps(ONE | {"writer": writer}, ensure_ascii=False)
    path = write(tmp_path, "a.json", text if as_lines else f"[{text}]")
    assert read_strokes(path)[0].writer == writer


def test_a_folder_is_read_whole_and_other_files_in_it_left_out(tmp_path):
    (tmp_path / "deeper").mkdir()
    write(tmp_path, "c.tra", UNIPEN)
    write(tmp_path, "b.jsonl", json.dumps(ONE))
    write(tmp_path / "deeper", "a.json", [SEVEN])
    write(tmp_path, "notes.names", "foo bar")
    assert [digit.label for digit in read_strokes(tmp_path)] == [1, 8, 5, 7]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_strokes(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def changed(**changes: object) -> str:
    return json.dumps([SEVEN, ONE | changes])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "no json",
        "[1, 2]",
        '[["label", 1]]',
        "[" * 100_000,
        '"label strokes"',
        json.dumps(SEVEN, indent=2),
        *[changed(label=label) for label in (10, -1, "x", None, [1], 7.5, float("inf"))],
        *[changed(strokes=strokes) for strokes in ([], [[]], None, 3, "strokes", [[[1]]], [5])],
        changed(strokes=[[[1, 2, 3], [4, 5, 6]]]),
        changed(strokes=[[1, 2, 3, 4]]),
        changed(strokes=[[["a", "b"]]]),
        changed(strokes=[[[1, 2], []]]),
        *[changed(strokes=[[[1, bad]]]) for bad in (float("nan"), float("inf"), None)],
        json.dumps([{"strokes": ONE["strokes"]}]),
        json.dumps([{"label": 1}]),
    ],
)
def test_json_that_holds_no_pen_strokes_is_named(text, tmp_path):
    assert "does not contain pen strokes" in refusal(write(tmp_path, "wrong.json", text))


@pytest.mark.parametrize(
    "text",
    [
        '.SEGMENT DIGIT 0 ? "A"\n.PEN_DOWN\n1 2\n3 4\n',
        ".SEGMENT\n.PEN_DOWN\n1 2\n3 4\n",
        ".PEN_DOWN\n1 2\n3 4\n",
        '.SEGMENT DIGIT 0 ? "1"\n.PEN_DOWN\nfoo bar\n',
        '.SEGMENT DIGIT 0 ? "1"\n.PEN_DOWN\nnan 2\n',
        '.SEGMENT DIGIT 0 ? "1"\n.PEN_DOWN\n.PEN_UP\n',
    ],
    ids=["letter", "no label", "no segment", "words", "nan", "no points"],
)
def test_unipen_that_holds_no_digits_is_named(text, tmp_path):
    refusal(write(tmp_path, "wrong.tra", text))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tra", ""), ("a.json", ""), ("a.json", "[]"), ("a.tra", ".HIERARCHY DIGIT\n")],
)
def test_a_file_without_strokes_is_named_with_what_it_should_be(name, content, tmp_path):
    assert "use UNIPEN or JSON files" in refusal(write(tmp_path, name, content))


def test_a_folder_without_strokes_is_named(tmp_path):
    write(tmp_path, "notes.txt", UNIPEN)
    assert "no pen strokes" in refusal(tmp_path)


def test_in_a_folder_the_broken_file_is_named(tmp_path):
    write(tmp_path, "good.tra", UNIPEN)
    path = write(tmp_path, "wrong.jsonl", "{")
    with pytest.raises(InputError, match=path.name):
        read_strokes(tmp_path)


def test_a_path_that_leads_nowhere_is_named(tmp_path):
    assert "check the path" in refusal(tmp_path / "none")
    (tmp_path / "file").touch()
    assert "check the path" in refusal(tmp_path / "file" / "inside")


# The canvas

SHAPE = [np.array([[100.0, 50], [140, 50], [120, 130]]), np.array([[110.0, 90], [130, 90]])]
BAR = [np.array([[0.0, 0], [0, 10]])]  # vertical, drawn from the top


@pytest.mark.parametrize("side", [CANVAS, 140])
@pytest.mark.parametrize("size", [0.2, 0.65, 1.0])
@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.3, 0.8)])
def test_strokes_are_put_where_and_as_large_as_wanted(side, size, centre):
    strokes = placed(SHAPE, side=side, size=size, centre=centre)
    low, high = box(strokes)
    assert (high - low).max() == pytest.approx(size * side)
    assert (low + high) / 2 == pytest.approx(np.array(centre) * side)
    assert (high - low)[0] / (high - low)[1] == pytest.approx(40 / 80)
    assert [len(stroke) for stroke in strokes] == [3, 2]


@pytest.mark.parametrize("factor", [0.001, 1, 300])
def test_the_units_of_the_strokes_do_not_matter(factor):
    moved = [stroke * factor + (7, -900) for stroke in SHAPE]
    for one, other in zip(placed(SHAPE), placed(moved), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_strokes_that_went_in_are_left_alone():
    before = [stroke.copy() for stroke in SHAPE]
    placed(SHAPE, rotation=20, slant=0.3, aspect=2)
    assert all(np.array_equal(one, other) for one, other in zip(before, SHAPE, strict=True))


@pytest.mark.parametrize(
    ("rotation", "direction"),
    [(0, (0, 1)), (90, (-1, 0)), (-90, (1, 0)), (180, (0, -1)), (45, (-(0.5**0.5), 0.5**0.5))],
)
def test_a_rotation_goes_clockwise_on_the_screen(rotation, direction):
    ((top, bottom),) = placed(BAR, rotation=rotation)
    step = (bottom - top) / np.linalg.norm(bottom - top)
    assert step == pytest.approx(np.array(direction), abs=1e-9)


@pytest.mark.parametrize("slant", [-0.4, 0.0, 0.25])
def test_a_positive_slant_leans_to_the_right_at_the_top(slant):
    ((top, bottom),) = placed(BAR, slant=slant)
    assert (top[0] - bottom[0]) / (bottom[1] - top[1]) == pytest.approx(slant)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.6])
def test_an_aspect_changes_the_width_by_the_height(aspect):
    low, high = box(placed(SHAPE, aspect=aspect))
    assert (high - low)[0] / (high - low)[1] == pytest.approx(40 / 80 * aspect)


def test_a_single_point_is_put_in_its_place():
    ((point,),) = placed([np.array([[3.0, 4.0]])], centre=(0.25, 0.5))
    assert point == pytest.approx(np.array([70, 140]))


# Drawing


@pytest.mark.parametrize("brush", [3, 6, 18, 40])
def test_a_stroke_is_as_wide_as_the_brush_and_has_round_ends(brush):
    ink = draw([np.array([[80.0, 140.0], [200.0, 140.0]])], brush=brush) / 255
    assert ink.shape == (CANVAS, CANVAS)
    assert ink[:, 140].sum() == pytest.approx(brush, abs=1)
    assert ink[140].sum() == pytest.approx(120 + brush, abs=1.5)
    assert ink.sum() == pytest.approx(120 * brush + np.pi * brush**2 / 4, rel=0.25 / brush + 0.05)
    assert ink[140 - brush // 2 - 1 : 140 + brush // 2 + 1].sum() == pytest.approx(ink.sum())


@pytest.mark.parametrize("brush", [4, 18, 40.5])
def test_a_single_point_is_a_round_dot(brush):
    ink = draw([np.array([[100.0, 60.0]])], brush=brush) / 255
    assert ink.sum() == pytest.approx(np.pi * brush**2 / 4, rel=0.25)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert (rows.mean(), columns.mean()) == pytest.approx((60, 100), abs=0.6)
    assert len(rows) == len(columns) == pytest.approx(brush, abs=1.5)


def test_corners_are_round_and_closed():
    ink = draw([np.array([[60.0, 60.0], [200.0, 60.0], [200.0, 200.0]])], brush=20) / 255
    around = np.hypot(*(np.indices(ink.shape) - np.array([60, 200])[:, None, None]))
    assert (ink[around < 9] == 1).all()
    assert ink[60 - 9, 200 + 9] == 0


def test_edges_are_anti_aliased():
    ink = draw([np.array([[60.0, 60.0], [200.0, 230.0]])])
    assert ink.dtype == np.uint8
    assert ink.max() == 255
    between = (ink > 0) & (ink < 255)
    assert 100 < between.sum() < 0.3 * (ink > 0).sum()


def test_where_strokes_cross_the_ink_is_not_darker_and_beside_the_canvas_there_is_none():
    cross = [np.array([[60.0, 60], [200, 200]]), np.array([[200.0, 60], [60, 200]])]
    assert draw(cross).max() == 255
    assert not draw([np.array([[-100.0, -100], [-50, 300]])]).any()
    assert not draw([]).any()


@pytest.mark.parametrize("side", [50, 140])
def test_a_canvas_may_have_any_side(side):
    ink = draw(placed(SHAPE, side=side), brush=4, side=side)
    assert ink.shape == (side, side)
    assert ink.any()


ACROSS = np.array([[40.0, 140], [240, 140]])
DOWN = np.array([[140.0, 40], [140, 240]])


def test_the_eraser_removes_the_ink_of_earlier_strokes_in_its_own_width():
    bar, rubbed = CanvasStroke(ACROSS, 20), CanvasStroke(DOWN, 40, erases=True)
    ink = draw_canvas([bar, rubbed])
    assert (ink[140, 122:158] == 0).all()
    assert (ink[140, [115, 165]] == 255).all()
    assert np.array_equal(draw_canvas([rubbed, bar]), draw([ACROSS], brush=20))
    assert not draw_canvas([bar, CanvasStroke(ACROSS, 40, erases=True)]).any()


def test_the_canvas_shows_white_on_black():
    ink = draw(placed(SHAPE))
    rgba = canvas_rgba(ink)
    assert rgba.shape == (CANVAS, CANVAS, 4)
    assert rgba.dtype == np.uint8
    assert (rgba[..., 3] == 255).all()
    assert all(np.array_equal(rgba[..., channel], ink) for channel in range(3))


# Numbers


def parts_of(row: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the box of each digit in a row of SHAPEs, which have two strokes each."""
    return [box(row[i : i + 2]) for i in range(0, len(row), 2)]


def test_digits_stand_side_by_side_with_their_gaps_and_heights():
    row = in_a_row([SHAPE] * 3, gaps=[9.0, 0.25, -0.1], heights=[1.0, 0.5, 1.2])
    assert len(row) == 6
    boxes = parts_of(row)
    assert [high[1] - low[1] for low, high in boxes] == pytest.approx([1.0, 0.5, 1.2])
    assert [high[0] - low[0] for low, high in boxes] == pytest.approx([0.5, 0.25, 0.6])
    assert [low[0] for low, _ in boxes] == pytest.approx([0, 0.75, 0.9])
    assert [(low[1] + high[1]) / 2 for low, high in boxes] == pytest.approx([0, 0, 0])


def test_a_flat_digit_is_not_blown_up_to_the_height_of_the_others():
    dash = [np.array([[0.0, 5], [10, 5]])]
    row = in_a_row([SHAPE, dash], gaps=[0, 0.2], heights=[1, 1])
    low, high = box(row[2:])
    assert high[0] - low[0] == pytest.approx(2)
    assert np.isfinite(np.concatenate(in_a_row([[np.array([[3.0, 4.0]])]], [0], [1]))).all()


# The brush used for reading strokes


@pytest.mark.parametrize(
    ("length", "brush", "fine"), [(200, 18, 18), (200, 40, 20), (60, 40, 6), (20, 40, 4), (1, 2, 2)]
)
def test_a_brush_is_made_finer_than_a_tenth_of_the_longest_stroke(length, brush, fine):
    strokes = [np.array([[50, 50], [50 + length, 60]]), np.array([[50, 50], [50, 50.5]])]
    assert fine_brush(strokes, brush) == pytest.approx(fine)


def test_a_tap_has_a_brush_too():
    assert fine_brush([np.array([[50.0, 50.0]])], 30) == 4


# Strokes of the eraser

POINTS = np.stack([np.arange(40.0, 241, 20), np.full(11, 140)], axis=1)


def test_what_is_left_of_a_stroke_is_what_no_later_stroke_erased():
    line, eraser = CanvasStroke(POINTS, 10), CanvasStroke(DOWN, 60, erases=True)
    first, none, whole = points_left([line, eraser, line])
    assert first[:, 0].tolist() == [40, 60, 80, 100, 180, 200, 220, 240]
    assert none.shape == (0, 2)
    assert whole.tolist() == POINTS.tolist()
    far = CanvasStroke(np.array([[-1e6, 1e6]]), 10)
    assert points_left([far])[0].tolist() == far.path.tolist()


def test_a_fine_brush_is_chosen_for_what_is_left_and_the_eraser_keeps_its_width():
    large, small = CanvasStroke(POINTS, 40), CanvasStroke(np.array([[20.0, 20], [80, 20]]), 40)
    eraser = CanvasStroke(POINTS, 80, erases=True)
    assert [one.width for one in with_fine_brush([large, small])] == [20, 20]
    assert [one.width for one in with_fine_brush([large, eraser, small])] == [6, 80, 6]
    assert [one.width for one in with_fine_brush([large, eraser])] == [40, 80]  # nothing is left
    assert [one.width for one in with_fine_brush([eraser])] == [80]
    thin = small._replace(width=4)
    assert [one.width for one in with_fine_brush([large, thin])] == [20, 4]
