"""Measures how well confidence is calibrated, and whether non-digits are refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mnist_app.data import non_digits as nondigits
from mnist_app.data import rendering
from mnist_app.data.labelled_images import to_input
from mnist_app.data.mnist import load_mnist
from mnist_app.drawing import pen
from mnist_app.drawing.pen import PenDigit, Strokes
from mnist_app.recognition.predictor import Predictor, number_text
from mnist_app.training.calibration import calibration_error
from mnist_app.training.evaluation import CLASSES, probabilities

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefghjkmnpqrtuvwxy"
LOOKALIKES = "IOSZiloszDBGQbgqJjy"  # may be read as 1, 0, 5, 2, 8, 6, 9
_FONTS = "/usr/share/fonts", "/Library/Fonts", "C:/Windows/Fonts"


def measure(predictor: Predictor, writers: list[PenDigit], count: int, seed: int) -> dict[str, Any]:
    """Measure the calibration and the refusals of one network.

    Args:
        predictor: the network.
        writers: pen digits of people whom the network was not fitted to in any way.
        count: the number of drawings of each kind of non-digit.
        seed: the seed of all drawings.
    """
    pens = rendering.draw_pen_digits(writers, 1, seed)
    test = load_mnist().test
    drawn = (_refuses(predictor, ink) for ink in rendering.pen_digit_canvases(writers, 1, seed))
    return {
        "digits": {
            "MNIST test": _of_digits(predictor, test.images, test.labels),
            "held-out pen strokes": _of_digits(predictor, *pens)
            | {"refused_by_app": float(np.mean([by_app for _, by_app in drawn]))},
        },
        "non_digits": {
            kind: _of_non_digits(predictor, canvases)
            for kind, canvases in non_digits(count, seed).items()
        },
        "threshold": predictor.calibration.threshold,
        "temperature": predictor.calibration.temperature,
    }


def _of_digits(predictor: Predictor, images: Tensor, labels: Tensor) -> dict[str, Any]:
    logits = predictor.logits(to_input(images))
    chances = probabilities(logits, predictor.recipe, predictor.calibration.temperature)
    confidence, answers = chances[:, :CLASSES].max(dim=1)
    right, answered = answers == labels, confidence >= predictor.calibration.threshold
    return {
        "n": len(labels),
        "accuracy": right.double().mean().item(),
        "calibration_error": calibration_error(confidence, right),
        "refused": 1 - answered.double().mean().item(),
        "accuracy_of_answers": right[answered].double().mean().item(),
    }


def _of_non_digits(predictor: Predictor, canvases: Iterator[np.ndarray]) -> dict[str, Any]:
    refused = np.array([_refuses(predictor, ink) for ink in canvases])
    whole, by_app = refused.mean(axis=0).tolist()
    return {"n": len(refused), "refused": whole, "refused_by_app": by_app}


def _refuses(predictor: Predictor, ink: np.ndarray) -> tuple[bool, bool]:
    """Return whether the network refuses the whole drawing, and whether the app finds no digit."""
    rgba = pen.canvas_rgba(ink)
    read = number_text(predictor.read_number(rgba))
    return predictor.predict(rgba).digit is None, not read.strip("?")


# Non-digits: new drawings of the kinds that the network learned, and kinds that it never saw


def non_digits(count: int, seed: int) -> dict[str, Iterator[np.ndarray]]:
    """Draw canvases of non-digits, uint8 (side, side), by kind."""
    seeds = iter(np.random.SeedSequence([seed, 3]).spawn(len(UNSEEN) + 2))
    randoms = map(np.random.default_rng, seeds)
    learned = rendering.non_digit_canvases(count, seed + 1000)
    return {
        "new scribbles, shapes and letters like those in training": learned,
        "printed letters, fonts never seen": _letters(LETTERS, count, next(randoms)),
        "letters that look like digits": _letters(LOOKALIKES, count, next(randoms)),
        **{
            f"{name}, never seen": _drawings(make, count, next(randoms))
            for name, make in UNSEEN.items()
        },
    }


def _letters(text: str, count: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    fonts = _fonts()
    for _ in range(count):
        picture = Image.new("L", (280, 280))
        font = fonts[random.integers(len(fonts))]
        letter = text[random.integers(len(text))]
        ImageDraw.Draw(picture).text((140, 140), letter, fill=255, font=font, anchor="mm")
        yield np.asarray(picture.rotate(random.normal(0, 6), Image.Resampling.BICUBIC))


def _fonts() -> list[ImageFont.FreeTypeFont]:
    """Load Pillow's own font, and the machine's DejaVu fonts if it has any."""
    files = [path for folder in _FONTS for path in sorted(Path(folder).rglob("DejaVu*.ttf"))]
    texts = [path for path in files if "Math" not in path.name]
    return [ImageFont.load_default(170), *(ImageFont.truetype(str(path), 170) for path in texts)]


def _drawings(
    make: Callable[[np.random.Generator], Strokes], count: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    for _ in range(count):
        bent = nondigits.wobbled(make(random), random, random.uniform(0, 0.04))
        placed = pen.placed(bent, size=random.uniform(0.3, 0.9), rotation=random.normal(0, 8))
        yield pen.draw(placed, brush=random.uniform(8, 28))


def _lines(*strokes: list[tuple[float, float]]) -> Callable[[np.random.Generator], Strokes]:
    return lambda _: [np.array(stroke, dtype=float) for stroke in strokes]


def _heart(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi, 80)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([16 * np.sin(t) ** 3 * random.uniform(0.8, 1.2), -y], axis=1)]


def _cloud(random: np.random.Generator) -> Strokes:
    bumps = random.integers(5, 9)
    t = np.linspace(0, 2 * np.pi, 200)
    radius = 1 + 0.25 * np.abs(np.sin(bumps * t / 2))
    return [np.stack([1.5 * radius * np.cos(t), radius * np.sin(t)], axis=1)]


def _stick_figure(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi, 30)
    head = np.stack([0.25 * np.cos(t), 0.25 * np.sin(t) - 0.25], axis=1)
    spread = random.uniform(0.25, 0.5)
    return [
        head,
        np.array([[0, 0], [0, 0.9]]),
        np.array([[-0.5, 0.3], [0.5, 0.3]]),
        np.array([[-spread, 1.6], [0, 0.9], [spread, 1.6]]),
    ]


# Letters made of straight lines, in units of their height.
_CAPITALS = [
    [[(0, 1), (0.4, 0), (0.8, 1)], [(0.15, 0.65), (0.65, 0.65)]],  # A
    [[(0.6, 0), (0, 0), (0, 1), (0.6, 1)], [(0, 0.5), (0.5, 0.5)]],  # E
    [[(0.6, 0), (0, 0), (0, 1)], [(0, 0.5), (0.5, 0.5)]],  # F
    [[(0, 0), (0, 1)], [(0.7, 0), (0.7, 1)], [(0, 0.5), (0.7, 0.5)]],  # H
    [[(0, 0), (0, 1)], [(0.6, 0), (0, 0.55), (0.65, 1)]],  # K
    [[(0, 1), (0.05, 0), (0.45, 0.7), (0.85, 0), (0.9, 1)]],  # M
    [[(0, 1), (0, 0), (0.7, 1), (0.7, 0)]],  # N
    [[(0, 0), (0.2, 1), (0.5, 0.3), (0.8, 1), (1, 0)]],  # W
    [[(0, 0), (0.7, 1)], [(0.7, 0), (0, 1)]],  # X
]


def _capital(random: np.random.Generator) -> Strokes:
    letter = _CAPITALS[random.integers(len(_CAPITALS))]
    return [np.array(stroke, dtype=float) for stroke in letter]


UNSEEN: dict[str, Callable[[np.random.Generator], Strokes]] = {
    "capital letters by hand": _capital,
    "hearts": _heart,
    "clouds": _cloud,
    "stick figures": _stick_figure,
    "houses": _lines(
        [(0, 1), (0, 0), (1, 0), (1, 1), (0, 1)],
        [(0, 0), (0.5, -0.6), (1, 0)],
        [(0.4, 1), (0.4, 0.6), (0.6, 0.6), (0.6, 1)],
    ),
    "arrows": _lines([(0, 0), (1.6, 0)], [(1.1, -0.4), (1.6, 0), (1.1, 0.4)]),
    "ticks": _lines([(0, 0.5), (0.4, 1), (1.3, -0.2)]),
    "envelopes": _lines(
        [(0, 0), (1.5, 0), (1.5, 1), (0, 1), (0, 0)], [(0, 0), (0.75, 0.6), (1.5, 0)]
    ),
}
