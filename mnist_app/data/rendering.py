"""Drawings as training images: digits and non-digits, drawn the way people draw on the canvas."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mnist_app.data import non_digits
from mnist_app.drawing import pen
from mnist_app.drawing.normal_form import SIDE, normal_form
from mnist_app.drawing.pen import PenDigit, Strokes

NOT_A_DIGIT = 10  # the label of drawings that are not digits
FOLDS = 5
Progress = Callable[[float], None]
_CANVAS = 140  # pixels; half the size of the app's canvas, just as good and four times as fast
_NUMBERS = 0.15  # share of the non-digits that are several digits
_BRUSHES = 3.0, 20.0  # pixels on this canvas: 6 to 40 on the app's
_THICKEST = 0.5  # of a drawing's size: with a wider brush no digit can be recognised

Labelled = tuple[Tensor, Tensor]  # uint8 (N, 28, 28), int64 (N,)


def split_writers(digits: list[PenDigit], fold: int) -> tuple[list[PenDigit], ...]:
    """Split pen strokes by writer, so that no writer is in two parts.

    Args:
        digits: the pen digits of all writers.
        fold: which writers are held out, modulo FOLDS; each writer is held out in one fold.
    Returns:
        (training: four fifths of the writers; validation and test: half of the other writers each).
        Fewer than FOLDS writers cannot be split: all of them are for training.
    """
    writers = sorted({digit.writer for digit in digits})
    if len(writers) < FOLDS:
        return digits, [], []
    writers = [writers[i] for i in np.random.default_rng(0).permutation(len(writers))]
    held_out = writers[fold % FOLDS :: FOLDS]
    validation = set(held_out[: len(held_out) // 2])
    test = set(held_out) - validation
    return (
        [digit for digit in digits if digit.writer not in validation | test],
        [digit for digit in digits if digit.writer in validation],
        [digit for digit in digits if digit.writer in test],
    )


def draw_pen_digits(
    digits: list[PenDigit], copies: int, seed: int, progress: Progress = lambda _: None
) -> Labelled:
    """Draw each pen digit `copies` times, with random brush, size, place, slant and shape."""
    labels = (digit.label for digit in digits for _ in range(copies))
    canvases = pen_digit_canvases(digits, copies, seed)
    drawings = zip(map(_normal, canvases), labels, strict=True)
    return _collect(drawings, len(digits) * copies, progress)


def pen_digit_canvases(digits: list[PenDigit], copies: int, seed: int) -> Iterator[np.ndarray]:
    """Draw the images of `draw_pen_digits` before the normal form: ink, uint8 (140, 140)."""
    random = np.random.default_rng([seed, 1])
    return (_canvas(digit.strokes, random) for digit in digits for _ in range(copies))


def draw_non_digits(
    count: int,
    seed: int,
    digits: Sequence[PenDigit] = (),
    progress: Progress = lambda _: None,
) -> Labelled:
    """Draw scribbles, letters, faces, lines, and numbers made of several of the given digits."""
    canvases = non_digit_canvases(count, seed, digits)
    return _collect(((_normal(ink), NOT_A_DIGIT) for ink in canvases), count, progress)


def non_digit_canvases(
    count: int, seed: int, digits: Sequence[PenDigit] = ()
) -> Iterator[np.ndarray]:
    """Draw the images of `draw_non_digits` before the normal form: ink, uint8 (140, 140)."""
    random = np.random.default_rng([seed, 2])

    def strokes() -> Strokes:
        if len(digits) and random.random() < _NUMBERS:
            return _side_by_side(digits, random)
        return non_digits.non_digit(random)

    return (_canvas(strokes(), random) for _ in range(count))


def _side_by_side(digits: Sequence[PenDigit], random: np.random.Generator) -> Strokes:
    """Return two or three digits, close together or touching: a number is not a digit."""
    chosen = [
        digits[i].strokes for i in random.integers(len(digits), size=random.choice([2, 2, 3]))
    ]
    gaps = random.uniform(-0.1, 0.4, len(chosen))
    return pen.in_a_row(chosen, gaps, random.uniform(0.75, 1.3, len(chosen)))


def redraw(images: Tensor, progress: Progress = lambda _: None) -> Tensor:
    """Return images of digits, uint8 (N, 28, 28), as if they had been drawn on the canvas."""
    inks = (image.astype(np.float32) / 255 for image in images.numpy())
    drawings = ((normal_form(ink) if ink.any() else ink, 0) for ink in inks)
    return _collect(drawings, len(images), progress)[0]


def _canvas(strokes: Strokes, random: np.random.Generator) -> np.ndarray:
    """Draw strokes the way someone might: with any brush, size, place and slant."""
    size = random.uniform(0.2, 0.95)
    low, high = size / 2, 1 - size / 2
    return pen.draw(
        pen.placed(
            strokes,
            side=_CANVAS,
            size=size,
            centre=tuple(random.uniform(low - 0.06, high + 0.06, 2)),  # a little over the edge
            rotation=random.normal(0, 6),
            slant=random.normal(0, 0.15),
            aspect=np.exp(random.normal(0, 0.15)),
        ),
        brush=min(np.exp(random.uniform(*np.log(_BRUSHES))), _THICKEST * size * _CANVAS),
        side=_CANVAS,
    )


def _normal(ink: np.ndarray) -> np.ndarray:
    return normal_form(ink.astype(np.float32) / 255)


def _collect(
    drawings: Iterable[tuple[np.ndarray, int]], count: int, progress: Progress
) -> Labelled:
    images = np.empty((count, SIDE, SIDE), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for i, (image, label) in enumerate(drawings):
        images[i], labels[i] = np.rint(image * 255), label
        if i % 500 == 0:
            progress(i / count)
    return torch.from_numpy(images), torch.from_numpy(labels)
