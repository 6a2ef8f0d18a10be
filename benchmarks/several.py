"""Numbers of three digits, pairs that touch, and single digits that must stay whole."""

from typing import Any

import numpy as np

from mnist_app.drawing import pen
from mnist_app.drawing.pen import PenDigit
from mnist_app.recognition.predictor import Predictor, number_text

SIDE = 600  # pixels of the canvas that a number is drawn on


def measure(predictor: Predictor, writers: list[PenDigit], count: int, seed: int) -> dict[str, Any]:
    """Count the numbers and touching pairs read right, and the single digits that stay whole."""
    random = np.random.default_rng([seed, 4])
    numbers = _read(predictor, [number(writers, random) for _ in range(count)])
    singles = [single(writers, random) for _ in range(count)]
    random = np.random.default_rng([seed, 5])
    pairs = [number(writers, random, 2, gap=(-0.03, 0.05), least=-0.2) for _ in range(count)]
    pairs_read = _read(predictor, pairs)
    found = [predictor.read_number(rgba) for _, rgba in singles]
    return {
        "n": count,
        "numbers_right": sum(text == is_ for text, is_ in numbers),
        "numbers_misread": sorted(f"{text} as {is_}" for text, is_ in numbers if text != is_)[:20],
        "pairs_right": sum(text == is_ for text, is_ in pairs_read),
        "pairs_refused": sum("?" in is_ for _, is_ in pairs_read),
        "singles_whole": sum(len(parts) == 1 for parts in found),
        "singles_right": sum(
            number_text(parts) == text for (text, _), parts in zip(singles, found, strict=True)
        ),
    }


def _read(predictor: Predictor, drawn: list[tuple[str, np.ndarray]]) -> list[tuple[str, str]]:
    """Return each number that was meant, with the text that is read."""
    return [(text, number_text(predictor.read_number(rgba))) for text, rgba in drawn]


def number(
    writers: list[PenDigit],
    random: np.random.Generator,
    length: int = 3,
    gap: tuple[float, float] = (0.25, 0.1),
    least: float = 0.02,
) -> tuple[str, np.ndarray]:
    """Draw a number with one writer's digits; return its text and its canvas, uint8 RGBA.

    The gaps are shares of a digit's height: `gap` is (mean, standard deviation), `least` the
    minimum.
    """
    writer = random.choice(sorted({digit.writer for digit in writers}))
    own = [digit for digit in writers if digit.writer == writer]
    digits = [own[i] for i in random.integers(len(own), size=length)]
    gaps = random.normal(*gap, length).clip(least)
    row = pen.in_a_row([d.strokes for d in digits], gaps, random.normal(1, 0.08, length))
    strokes = pen.placed(
        row, side=SIDE, size=random.uniform(0.6, 0.9), rotation=random.normal(0, 3)
    )
    ink = pen.draw(strokes, brush=random.choice([8, 12, 18, 24]), side=SIDE)
    return "".join(str(digit.label) for digit in digits), pen.canvas_rgba(ink)


def single(writers: list[PenDigit], random: np.random.Generator) -> tuple[str, np.ndarray]:
    """Draw one digit on the app's canvas; return its text and the canvas, uint8 RGBA."""
    digit = writers[random.integers(len(writers))]
    size = random.uniform(0.3, 0.9)
    strokes = pen.placed(digit.strokes, size=size, rotation=random.normal(0, 5))
    ink = pen.draw(strokes, brush=random.choice([8, 18, 28]))
    return str(digit.label), pen.canvas_rgba(ink)
