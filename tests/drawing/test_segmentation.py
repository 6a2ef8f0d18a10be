import numpy as np
import pytest
from drawings import canvas

from mnist_app.data import non_digits
from mnist_app.drawing import pen
from mnist_app.drawing.drawing import Drawing
from mnist_app.drawing.segmentation import Pieces, find_pieces, sheet_of
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition.predictor import Found, Prediction, Predictor, number_text

ONE = [np.array([[0.0, 0.0], [0.0, 1.0]])]
SEVEN = [np.array([[0.0, 0.0], [0.6, 0.0], [0.2, 1.0]])]
ZERO = [np.array([[np.cos(t), np.sin(t)] for t in np.linspace(0, 6.3, 40)]) / 2]
FIVE = [  # its bar is detached
    np.array([[0.1, 0.0], [0.1, 0.45], [0.5, 0.5], [0.5, 0.9], [0.0, 1.0]]),
    np.array([[0.25, 0.0], [0.7, 0.0]]),
]


def row(*digits: pen.Strokes, gap: float = 0.3, brush: float = 14, side: int = 600) -> np.ndarray:
    strokes = pen.in_a_row(digits, [gap] * len(digits), [1.0] * len(digits))
    return pen.canvas_rgba(
        pen.draw(pen.placed(strokes, side=side, size=0.8), brush=brush, side=side)
    )


def pieces_in(rgba: np.ndarray) -> Pieces:
    sheet = sheet_of(Drawing(rgba))
    return find_pieces(sheet) if sheet else Pieces(0, [])


def singles(rgba: np.ndarray) -> list:
    """Return the groups of just one piece, from left to right."""
    pieces = pieces_in(rgba)
    return [group for group in pieces.groups if group.last == group.first + 1]


def test_nothing_drawn_has_no_pieces():
    blank = pen.canvas_rgba(np.zeros((280, 280), dtype=np.uint8))
    assert pieces_in(blank).count == 0


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_digits_apart_are_pieces_from_left_to_right(count):
    digits = [ONE, ZERO, SEVEN, ZERO, ONE, SEVEN, ZERO, ONE][:count]
    found = singles(row(*digits))
    assert len(found) >= count  # wide digits are cut into pieces
    lefts = [group.box.left for group in found]
    assert lefts == sorted(lefts)


def test_a_box_is_where_the_ink_is():
    rgba = row(ONE, ZERO)
    for group in singles(rgba):
        left, top, width, height = group.box
        part = rgba[top : top + height, left : left + width, 0]
        assert part.max() == 255
        assert group.ink.shape == (height, width)


def test_a_number_in_a_corner_of_a_large_picture_is_taken_apart_the_same():
    small = row(ONE, ZERO, SEVEN)
    large = np.zeros((3000, 2000, 4), dtype=np.uint8)
    large[..., 3] = 255
    large[2300:2900, 1350:1950] = small
    here, there = pieces_in(small), pieces_in(large)
    assert there.count == here.count
    for one, other in zip(here.groups, there.groups, strict=True):
        assert other.box == (one.box.left + 1350, one.box.top + 2300, *one.box[2:])
        assert np.array_equal(one.ink, other.ink)


def test_a_group_holds_the_ink_of_its_pieces_alone():
    rgba = row(ONE, ZERO, SEVEN)
    total = (rgba[..., 0] / 255).sum()
    shares = [group.ink.sum() / total for group in singles(rgba)]
    assert sum(shares) == pytest.approx(1, abs=0.05)


def test_what_stands_above_or_inside_belongs_together():
    dotted_ring = canvas(
        [(140 + 40 * np.cos(t), 140 + 80 * np.sin(t)) for t in np.linspace(0, 6.3, 40)],
        [(130, 110), (150, 170)],
        brush=10,
    )
    assert pieces_in(dotted_ring).count == 1


def test_the_whole_drawing_is_always_a_group():
    pieces = pieces_in(row(*[ZERO] * 9, side=1200))
    assert any(group[:2] == (0, pieces.count) for group in pieces.groups)


def test_touching_digits_are_cut_between_them():
    rgba = row(ZERO, ZERO, gap=-0.03)
    pieces = pieces_in(rgba)
    assert pieces.count >= 2
    middle = 300
    assert any(abs(g.box.left + g.box.width - middle) < 40 for g in pieces.groups if g.first == 0)
    assert all(g.is_cut is (g[:2] != (0, pieces.count)) for g in pieces.groups)


def test_a_group_knows_whether_it_is_cut_off_from_ink_outside():
    touching = row(ZERO, ZERO, gap=-0.03, side=500)
    rgba = np.concatenate([touching[:, :460], row(ONE, side=500)[:, 200:300]], axis=1)
    pieces = pieces_in(rgba)
    last = next(g for g in pieces.groups if g[:2] == (pieces.count - 1, pieces.count))
    assert not last.is_cut
    assert not any(g.is_cut for g in pieces.groups if g[:2] == (0, pieces.count - 1))
    assert all(g.is_cut for g in pieces.groups if g.last < pieces.count - 1)


def test_a_stray_dot_is_no_piece():
    strokes = pen.placed(SEVEN, size=0.5)
    rgba = pen.canvas_rgba(pen.draw([*strokes, np.array([[270.0, 30.0]])], brush=14))
    assert pieces_in(rgba).count == 1


def test_any_drawing_can_be_taken_apart():
    random = np.random.default_rng(0)
    for _ in range(150):
        strokes = pen.placed(non_digits.non_digit(random), size=random.uniform(0.1, 1.2))
        rgba = pen.canvas_rgba(pen.draw(strokes, brush=random.uniform(3, 40)))
        pieces = pieces_in(rgba)
        if not rgba[..., 0].any():
            assert pieces.count == 0
            continue
        starts = {group.first for group in pieces.groups}
        assert starts >= set(range(pieces.count))
        assert all(group.ink.max() > 0 for group in pieces.groups)


class Oracle(Predictor):
    """A predictor that reads every narrow image as a 1 and refuses wide ones."""

    def __init__(self, widest: int, sure: float = 0.8) -> None:
        self.widest, self.sure = widest, sure  # pixels in the normal form
        recipe = Recipe(model="mlp-128-64")
        super().__init__(models.from_recipe(recipe), recipe)

    def predict_images(self, images):
        results = []
        for image in images[:, 0].numpy():
            width = np.ptp(np.flatnonzero(image.any(axis=0)))
            sure = self.sure if width <= self.widest else 0.01
            results.append(Prediction(1, 1, np.eye(10)[1], sure, image).at(0.5))
        return results


def test_a_number_is_read_from_left_to_right():
    found = Oracle(5).read_number(row(ONE, ONE, ONE))
    assert number_text(found) == "111"
    assert [one.box.left for one in found] == sorted(one.box.left for one in found)


@pytest.mark.parametrize(("sure", "text"), [(0.8, "?"), (0.95, "11")])
def test_a_drawing_in_one_part_is_a_number_only_if_all_its_digits_are_sure(sure, text):
    narrow = [ZERO[0] * [0.6, 1]]
    joined = row(narrow, narrow, gap=-0.03)
    assert number_text(Oracle(17, sure).read_number(joined)) == text


def test_beside_a_digit_that_stands_free_those_cut_apart_need_no_more_than_it():
    narrow = [ZERO[0] * [0.6, 1]]
    touching = row(narrow, narrow, gap=0, side=500)
    rgba = np.concatenate([touching[:, :460], row(ONE, side=500)[:, 120:300]], axis=1)
    assert number_text(Oracle(17, 0.8).read_number(rgba)) == "111"


def test_a_digit_in_two_parts_stays_one():
    assert len(Oracle(17).read_number(row(FIVE, side=280))) == 1


def test_what_is_no_digit_at_all_is_one_refusal():
    found = Oracle(17).read_number(canvas([(20, 140), (260, 140)]))
    assert len(found) == 1
    assert found[0].prediction.is_refused
    assert number_text(found) == "?"


def test_a_blank_canvas_has_no_number():
    found: list[Found] = Oracle(17).read_number(np.zeros((280, 280, 4), dtype=np.uint8))
    assert found == []
    assert number_text(found) == ""
