"""Three-digit numbers from pen strokes, and single digits that must stay whole."""

from typing import Any

import numpy as np

from mnist_app import pen
from mnist_app.pen import PenDigit
from mnist_app.predictor import Predictor, number_text

SIDE = 600  # pixels of the canvas that a number is drawn on


def measure(predictor: Predictor, writers: list[PenDigit], count: int, seed: int) -> dict[str, Any]:
    """How many numbers of three digits are read right, and how many single digits stay one."""
    random = np.random.default_rng([seed, 4])
    numbers = [number(writers, random) for _ in range(count)]
    read = [number_text(predictor.read_number(rgba)) for _, rgba in numbers]
    singles = [single(writers, random) for _ in range(count)]
    found = [predictor.read_number(rgba) for _, rgba in singles]
    return {
        "n": count,
        "numbers_right": sum(text == is_ for (text, _), is_ in zip(numbers, read, strict=True)),
        "numbers_misread": sorted(
            f"{text} as {is_}" for (text, _), is_ in zip(numbers, read, strict=True) if text != is_
        )[:20],
        "singles_whole": sum(len(parts) == 1 for parts in found),
        "singles_right": sum(
            number_text(parts) == text for (text, _), parts in zip(singles, found, strict=True)
        ),
    }


def number(
    writers: list[PenDigit], random: np.random.Generator, length: int = 3
) -> tuple[str, np.ndarray]:
    """A number in one writer's digits with natural gaps: its text and its canvas, uint8 RGBA."""
    writer = random.choice(sorted({digit.writer for digit in writers}))
    own = [digit for digit in writers if digit.writer == writer]
    digits = [own[i] for i in random.integers(len(own), size=length)]
    gaps = random.normal(0.25, 0.1, length).clip(0.02)  # of a digit's height
    row = pen.in_a_row([d.strokes for d in digits], gaps, random.normal(1, 0.08, length))
    strokes = pen.placed(
        row, side=SIDE, size=random.uniform(0.6, 0.9), rotation=random.normal(0, 3)
    )
    ink = pen.draw(strokes, brush=random.choice([8, 12, 18, 24]), side=SIDE)
    return "".join(str(digit.label) for digit in digits), pen.canvas_rgba(ink)


def single(writers: list[PenDigit], random: np.random.Generator) -> tuple[str, np.ndarray]:
    """One digit on the app's canvas."""
    digit = writers[random.integers(len(writers))]
    size = random.uniform(0.3, 0.9)
    strokes = pen.placed(digit.strokes, size=size, rotation=random.normal(0, 5))
    ink = pen.draw(strokes, brush=random.choice([8, 18, 28]))
    return str(digit.label), pen.canvas_rgba(ink)
