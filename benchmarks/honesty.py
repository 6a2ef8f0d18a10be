"""Measures whether confidence means what it says, and whether what is no digit is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mnist_app import nondigits, pen, rendering
from mnist_app.calibration import calibration_error
from mnist_app.digits import to_input
from mnist_app.drawing import normal_form
from mnist_app.evaluation import CLASSES, probabilities
from mnist_app.mnist import load_mnist
from mnist_app.pen import PenDigit, Strokes
from mnist_app.predictor import Predictor

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefghjkmnpqrtuvwxy"
LOOKALIKES = "IOSZiloszDBGQbgqJjy"  # that may be read as 1, 0, 5, 2, 8, 6, 9
_FONTS = "/usr/share/fonts", "/Library/Fonts", "C:/Windows/Fonts"


def measure(predictor: Predictor, writers: list[PenDigit], count: int, seed: int) -> dict[str, Any]:
    """Calibration and refusals of one network.

    Args:
        predictor: the network.
        writers: pen digits of people whom nothing of it was fitted to.
        count: of each kind of non-digit.
        seed: of how things are drawn.
    """
    pens = rendering.draw_pen_digits(writers, 1, seed)
    test = load_mnist().test
    digits = {"MNIST test": (test.images, test.labels), "held-out pen strokes": pens}
    return {
        "digits": {name: _of_digits(predictor, *both) for name, both in digits.items()},
        "non_digits": {
            kind: _refused(predictor, images) for kind, images in non_digits(count, seed).items()
        },
        "threshold": predictor.calibration.threshold,
        "temperature": predictor.calibration.temperature,
    }


def _confidence(predictor: Predictor, images: Tensor) -> tuple[Tensor, Tensor]:
    logits = predictor.logits(to_input(images))
    chances = probabilities(logits, predictor.recipe, predictor.calibration.temperature)
    return chances[:, :CLASSES].max(dim=1)


def _of_digits(predictor: Predictor, images: Tensor, labels: Tensor) -> dict[str, Any]:
    confidence, answers = _confidence(predictor, images)
    right, answered = answers == labels, confidence >= predictor.calibration.threshold
    return {
        "n": len(labels),
        "accuracy": right.double().mean().item(),
        "calibration_error": calibration_error(confidence, right),
        "refused": 1 - answered.double().mean().item(),
        "accuracy_of_answers": right[answered].double().mean().item(),
    }


def _refused(predictor: Predictor, images: Tensor) -> dict[str, Any]:
    confidence, _ = _confidence(predictor, images)
    refused = (confidence < predictor.calibration.threshold).double().mean().item()
    return {"n": len(images), "refused": refused}


# Non-digits: the kinds that the network learned, drawn anew, and others that it never saw


def non_digits(count: int, seed: int) -> dict[str, Tensor]:
    """Images of what is no digit, uint8 (count, 28, 28), by kind."""
    random = np.random.default_rng([seed, 3])
    kinds = {
        "scribbles, shapes, letters as in training, drawn anew": rendering.draw_non_digits(
            count, seed + 1000
        )[0],
        "printed letters, fonts never seen": _letters(LETTERS, count, random),
        "letters that look like digits": _letters(LOOKALIKES, count, random),
    }
    for name, make in UNSEEN.items():
        kinds[f"{name}, never seen"] = _stack(_drawn(make(random), random) for _ in range(count))
    return kinds


def _letters(text: str, count: int, random: np.random.Generator) -> Tensor:
    fonts = _fonts()
    images = []
    for _ in range(count):
        picture = Image.new("L", (280, 280))
        font = fonts[random.integers(len(fonts))]
        letter = text[random.integers(len(text))]
        ImageDraw.Draw(picture).text((140, 140), letter, fill=255, font=font, anchor="mm")
        turned = picture.rotate(random.normal(0, 6), Image.Resampling.BICUBIC)
        images.append(normal_form(np.asarray(turned, dtype=np.float32) / 255))
    return _stack(images)


def _fonts() -> list[ImageFont.FreeTypeFont]:
    """Pillow's own font, and the machine's DejaVu fonts where it has them."""
    files = [path for folder in _FONTS for path in sorted(Path(folder).rglob("DejaVu*.ttf"))]
    texts = [path for path in files if "Math" not in path.name]
    return [ImageFont.load_default(170), *(ImageFont.truetype(str(path), 170) for path in texts)]


def _drawn(strokes: Strokes, random: np.random.Generator) -> np.ndarray:
    bent = nondigits.wobbled(strokes, random, random.uniform(0, 0.04))
    placed = pen.placed(bent, size=random.uniform(0.3, 0.9), rotation=random.normal(0, 8))
    return normal_form(pen.draw(placed, brush=random.uniform(8, 28)).astype(np.float32) / 255)


def _stack(images: Any) -> Tensor:
    return torch.from_numpy(np.stack([np.rint(i * 255).astype(np.uint8) for i in images]))


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


UNSEEN: dict[str, Callable[[np.random.Generator], Strokes]] = {
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
