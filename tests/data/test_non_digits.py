import numpy as np
import pytest
from effort import scaled
from HersheyFonts import HersheyFonts

from mnist_app.data import non_digits
from mnist_app.data.non_digits import non_digit, resampled, wobbled

KINDS = [
    non_digits.letter,
    non_digits.scribble,
    non_digits.strokes_of_nothing,
    non_digits.zigzag,
    non_digits.spiral,
    non_digits.lines,
    non_digits.grid,
    non_digits.face,
    non_digits.shape,
    non_digits.flower,
    non_digits.dots,
    non_digits.arcs,
]
SQUARE = [np.array([[0.0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]), np.array([[1.0, 1]])]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.mark.parametrize("make", [non_digit, *KINDS], ids=lambda kind: kind.__name__)
def test_every_kind_is_made_of_finite_strokes(make):
    for seed in range(200):
        strokes = make(np.random.default_rng(seed))
        assert strokes, seed
        for stroke in strokes:
            assert stroke.ndim == 2, seed
            assert stroke.shape[1] == 2, seed
            assert len(stroke), seed
            assert np.isfinite(stroke).all(), seed


@pytest.mark.parametrize("make", [non_digit, *KINDS], ids=lambda kind: kind.__name__)
def test_the_same_generator_draws_the_same_and_another_something_else(make):
    one, again, other = (make(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_every_kind_comes_up_as_by_an_unsteady_hand(monkeypatch):
    made, bent = [], []

    def watched(kind):
        return lambda random: made.append(kind) or kind(random)

    def remember(strokes, random, amount):
        bent.append(amount)
        return strokes

    monkeypatch.setattr(non_digits, "_KINDS", {watched(k): w for k, w in non_digits._KINDS.items()})
    monkeypatch.setattr(non_digits, "wobbled", remember)
    random = np.random.default_rng(0)
    for _ in range(400):
        non_digit(random)
    assert set(made) == set(KINDS)
    assert made.count(non_digits.letter) == max(made.count(kind) for kind in KINDS)
    assert len(bent) == len(made) == 400
    assert len(set(bent)) == 400


# Letters


def glyph(font: str, character: str) -> list[np.ndarray]:
    fonts = HersheyFonts()
    fonts.load_default_font(font)
    return [np.array(list(stroke)) for stroke in fonts.strokes_for_text(character)]


@pytest.fixture(scope="module")
def letters() -> set[bytes]:
    random = np.random.default_rng(0)
    return {key(non_digits.letter(random)) for _ in range(8000)}


def key(strokes: list[np.ndarray]) -> bytes:
    return b"|".join(stroke.astype(float).tobytes() for stroke in strokes)


FONTS = ["futural", "rowmans", "timesr", "timesi", "cursive", "scripts"]


@pytest.mark.parametrize("font", scaled(FONTS[1::3], FONTS))
def test_letters_that_look_like_digits_and_digits_are_not_among_the_glyphs(font, letters):
    for character in "0123456789OQoIilJjZzSsBbgq":
        strokes = [stroke for stroke in glyph(font, character) if len(stroke)]
        assert key(strokes) not in letters, character


@pytest.mark.parametrize(("font", "characters"), [("futural", "AKMWXaekmw"), ("greek", "ACDEK")])
def test_letters_that_no_digit_looks_like_are_among_the_glyphs(font, characters, letters):
    assert all(key(glyph(font, character)) in letters for character in characters)


def test_there_are_hundreds_of_different_letters(letters):
    assert len(letters) > 300


# An unsteady hand


def distance_to(stroke: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the distance of each point of a stroke from a line, given as many points."""
    return np.linalg.norm(stroke[:, None] - line[None], axis=2).min(axis=1)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("amount", [0.01, 0.05])
def test_an_unsteady_hand_keeps_the_rough_shape(amount, seed):
    bent = wobbled(SQUARE, np.random.default_rng(seed), amount)
    assert len(bent) == 2
    away = distance_to(bent[0], resampled(SQUARE[0], 0.02))
    assert 0 < away.max() < 8 * amount * 4
    assert (np.ptp(bent[0], axis=0) > 4 - 16 * amount * 4).all()


def test_a_steady_hand_changes_nothing_but_the_number_of_points():
    bent = wobbled(SQUARE, np.random.default_rng(0), 0.0)
    assert distance_to(bent[0], resampled(SQUARE[0], 0.01)).max() < 0.01
    assert np.array_equal(bent[1], SQUARE[1])


def test_a_bent_line_is_smooth():
    (line,) = wobbled([np.array([[0.0, 0], [1, 0]])], np.random.default_rng(3), 0.05)
    assert len(line) >= 25
    turns = np.diff(np.arctan2(*np.diff(line, axis=0).T[::-1]))
    assert np.abs(turns).max() < 0.5
    assert np.ptp(line[:, 1]) > 0.005


def test_strokes_that_went_in_are_left_alone():
    before = [stroke.copy() for stroke in SQUARE]
    wobbled(SQUARE, np.random.default_rng(0), 0.1)
    assert same(before, SQUARE)


@pytest.mark.parametrize("step", [0.1, 0.7, 100])
def test_a_resampled_line_keeps_its_corners_and_leaves_no_long_step(step):
    line = resampled(SQUARE[0], step)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert steps.max() <= step + 1e-9 or step == 100
    assert steps.sum() == pytest.approx(16)
    assert all((line == corner).all(axis=1).any() for corner in SQUARE[0])


@pytest.mark.parametrize("points", [[[2.0, 3.0]], [[2.0, 3.0], [2.0, 3.0]]])
def test_a_line_without_length_stays_as_it_is(points):
    assert np.array_equal(resampled(np.array(points), 0.1), np.array(points))
