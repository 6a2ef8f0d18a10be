from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from mnist_app.data import non_digits, rendering
from mnist_app.data.rendering import (
    FOLDS,
    NOT_A_DIGIT,
    draw_non_digits,
    draw_pen_digits,
    redraw,
    split_writers,
)
from mnist_app.drawing import pen
from mnist_app.drawing.normal_form import normal_form
from mnist_app.drawing.pen import PenDigit

ONE = [np.array([[0.0, 0], [0, 100]])]
SEVEN = [np.array([[0.0, 0], [60, 0], [20, 100]])]


def digits_of(writers: int) -> list[PenDigit]:
    """Return a 1 and a 7 by each writer."""
    names = [str(writer) for writer in range(writers)]
    return [PenDigit(label, n, s) for n in names for label, s in ((1, ONE), (7, SEVEN))]


def writers_of(digits: list[PenDigit]) -> set[str]:
    return {digit.writer for digit in digits}


# Writers


@pytest.mark.parametrize("writers", [10, 11, 30, 44])
@pytest.mark.parametrize("fold", range(FOLDS))
def test_nobody_stands_on_two_sides_and_everybody_on_one(writers, fold):
    digits = digits_of(writers)
    parts = split_writers(digits, fold)
    assert len(parts) == 3
    names = [writers_of(part) for part in parts]
    assert sum(len(part) for part in parts) == len(digits)
    assert names[0] | names[1] | names[2] == writers_of(digits)
    assert sum(map(len, names)) == writers
    assert len(names[0]) == pytest.approx(0.8 * writers, abs=1)
    assert abs(len(names[1]) - len(names[2])) <= 1
    assert len(names[1]) >= 1


@pytest.mark.parametrize("writers", [10, 13, 30])
def test_all_folds_together_hold_out_every_writer_once(writers):
    folds = [split_writers(digits_of(writers), fold) for fold in range(FOLDS)]
    held_out = Counter(n for _, val, test in folds for n in writers_of(val) | writers_of(test))
    assert held_out == Counter(str(writer) for writer in range(writers))


def test_a_split_is_always_the_same_whatever_the_order_and_folds_come_round():
    digits = digits_of(30)
    val = writers_of(split_writers(digits, 2)[1])
    assert writers_of(split_writers(digits[::-1], 2)[1]) == val
    assert writers_of(split_writers(digits, 2 + FOLDS)[1]) == val
    assert writers_of(split_writers(digits, 3)[1]) != val


def test_a_split_is_the_same_on_every_machine():
    _, val, test = split_writers(digits_of(20), 0)
    assert writers_of(val) | writers_of(test) == {"0", "12", "6", "7"}


def test_no_strokes_give_no_parts():
    assert split_writers([], 0) == ([], [], [])


def test_too_few_writers_to_be_parted_are_all_for_training():
    digits = digits_of(FOLDS - 1)
    assert split_writers(digits, 1) == (digits, [], [])


# Training images


def check(images: Tensor, labels: Tensor, count: int) -> None:
    assert images.shape == (count, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.shape == (count,)
    assert labels.dtype == torch.int64
    assert (images.amax(dim=(1, 2)) > 120).all()
    assert (images[:, 0] == 0).all()


def test_every_pen_digit_is_drawn_so_many_times_with_its_label():
    images, labels = draw_pen_digits(digits_of(3), 4, seed=0)
    check(images, labels, 24)
    assert labels.tolist() == [1] * 4 + [7] * 4 + [1] * 4 + [7] * 4 + [1] * 4 + [7] * 4
    ink = images.float().sum(dim=(1, 2))
    assert ink[labels == 7].mean() > 1.2 * ink[labels == 1].mean()


def test_no_brush_is_so_wide_that_no_digit_is_left_to_see(monkeypatch):
    seen = []

    def remember(strokes, brush, **options):
        size = np.ptp(np.concatenate(strokes), axis=0).max()
        seen.append((brush, size))
        return draw(strokes, brush=brush, **options)

    draw = pen.draw
    monkeypatch.setattr(pen, "draw", remember)
    draw_pen_digits([PenDigit(7, "", SEVEN)], 200, seed=0)
    brushes, sizes = np.array(seen).T
    assert brushes.min() < 4 < 18 < brushes.max()
    assert (brushes < 0.65 * sizes).all()  # placed() may make one side of a slanted digit smaller


def test_every_drawing_is_another_but_still_the_digit():
    images, _ = draw_pen_digits([PenDigit(7, "", SEVEN)], 40, seed=0)
    assert len({image.numpy().tobytes() for image in images}) == 40
    plain = normal_form(pen.draw(pen.placed(SEVEN)).astype(np.float32) / 255)
    blurred = torch.nn.functional.avg_pool2d(images.float()[:, None] / 255, 5, 1, 2)
    wanted = torch.nn.functional.avg_pool2d(torch.from_numpy(plain)[None, None], 5, 1, 2)
    likeness = torch.cosine_similarity(blurred.flatten(1), wanted.flatten(1))
    assert likeness.median() > 0.85
    assert likeness.min() > 0.5


def test_non_digits_bear_the_eleventh_label():
    images, labels = draw_non_digits(30, seed=0)
    check(images, labels, 30)
    assert NOT_A_DIGIT == 10
    assert (labels == NOT_A_DIGIT).all()
    assert len({image.numpy().tobytes() for image in images}) == 30


def test_some_non_digits_are_numbers_of_the_digits_given(monkeypatch):
    monkeypatch.setattr(non_digits, "non_digit", lambda random: ONE)
    asked = []

    def remember(digits, gaps, heights):
        asked.append(len(digits))
        assert all(digit is SEVEN for digit in digits)
        return in_a_row(digits, gaps, heights)

    in_a_row = pen.in_a_row
    monkeypatch.setattr(pen, "in_a_row", remember)
    _, labels = draw_non_digits(200, 0, [PenDigit(7, "", SEVEN)])
    assert set(asked) == {2, 3}
    assert 10 < len(asked) < 60
    assert (labels == NOT_A_DIGIT).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: draw_pen_digits(digits_of(2), 2, seed),
        lambda seed: draw_non_digits(12, seed),
        lambda seed: draw_non_digits(12, seed, digits_of(2)),
    ],
    ids=["pen digits", "non-digits", "numbers"],
)
def test_the_seed_decides_on_the_drawings_alone(make):
    np.random.seed(1)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = make(3)
    assert torch.equal(torch.get_rng_state(), state)
    np.random.seed(2)
    again, other = make(3), make(4)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_redrawn_images_are_in_the_normal_form_of_drawings_in_their_order():
    images = torch.zeros(3, 28, 28, dtype=torch.uint8)
    images[0, 4:24, 8:10] = 255
    images[1, 2:12, 3:9] = 200
    images[2, 20:22, 4:24] = 255
    out = redraw(images)
    assert out.shape == images.shape
    assert out.dtype == torch.uint8
    for before, after in zip(images.numpy(), out.numpy(), strict=True):
        expected = normal_form(before.astype(np.float32) / 255)
        assert np.abs(after / 255 - expected).max() < 0.003


@pytest.mark.parametrize("grey", [40, 90])
def test_a_faint_image_is_redrawn_in_full_ink(grey):
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[0, 4:24, 8:10] = grey
    images[1, 4:24, 8:10] = 255
    assert torch.equal(*redraw(images))


def test_an_image_of_nothing_stays_nothing():
    assert not redraw(torch.zeros(2, 28, 28, dtype=torch.uint8)).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda told: draw_pen_digits(digits_of(1), 260, 0, told),
        lambda told: draw_non_digits(501, 0, progress=told),
        lambda told: redraw(torch.full((501, 28, 28), 255, dtype=torch.uint8), told),
    ],
    ids=["pen digits", "non-digits", "redrawn"],
)
def test_drawing_shows_its_progress(make, monkeypatch):
    monkeypatch.setattr(rendering, "normal_form", lambda ink: np.zeros((28, 28), np.float32))
    shares: list[float] = []
    make(shares.append)
    assert shares[0] == 0
    assert len(shares) == 2
    assert 0.9 < shares[1] < 1


def test_nothing_to_draw_gives_empty_tensors():
    for images, labels in (draw_pen_digits([], 3, 0), draw_non_digits(0, 0)):
        assert images.shape == (0, 28, 28)
        assert labels.shape == (0,)
