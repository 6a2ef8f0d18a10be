"""Accuracy on pen strokes drawn on the canvas, over a grid of brush, size, place and rotation."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mnist_app.data.labelled_images import to_input
from mnist_app.drawing import pen
from mnist_app.drawing.normal_form import SIDE, normal_form
from mnist_app.drawing.pen import PenDigit
from mnist_app.recognition.predictor import Predictor
from mnist_app.training.evaluation import CLASSES

BRUSHES = (8, 18, 28, 40)  # pixels, on a canvas of 280
SIZES = (0.3, 0.65, 0.9)  # shares of the canvas
PLACES = ("centre", "random")
ROTATIONS = (-15, 0, 15)  # degrees


class Cell(NamedTuple):
    """One cell of the grid: one way to draw."""

    brush: int
    size: float
    place: str
    rotation: int

    def __str__(self) -> str:
        return f"{self.brush} px, {self.size:.0%}, {self.place}, {self.rotation}°"


CELLS = [Cell(*values) for values in product(BRUSHES, SIZES, PLACES, ROTATIONS)]


def placed(digit: PenDigit, cell: Cell, random: np.random.Generator) -> pen.Strokes:
    """Place a digit's strokes on the canvas as the cell says."""
    half = cell.size / 2
    centre = tuple(random.uniform(half, 1 - half, 2)) if cell.place == "random" else (0.5, 0.5)
    return pen.placed(digit.strokes, size=cell.size, centre=centre, rotation=cell.rotation)


def images(digits: list[PenDigit], seed: int) -> Iterator[tuple[Cell, dict[str, Tensor]]]:
    """Yield each cell with all digits as the networks get them, uint8 (N, 28, 28), in three ways.

    "pixels": the painted canvas in normal form. "path": the path of the pen, drawn with a fine
    brush, as the app does, in normal form. "squeeze": the canvas squeezed to 28x28, as demos do.
    """
    for number, cell in enumerate(CELLS):
        random = np.random.default_rng([seed, number])
        ways: dict[str, list[np.ndarray]] = {"pixels": [], "path": [], "squeeze": []}
        for digit in digits:
            strokes = placed(digit, cell, random)
            ink = pen.draw(strokes, brush=cell.brush)
            path = pen.draw(strokes, brush=pen.fine_brush(strokes, cell.brush))
            ways["pixels"].append(_bytes(normal_form(ink.astype(np.float32) / 255)))
            ways["path"].append(_bytes(normal_form(path.astype(np.float32) / 255)))
            ways["squeeze"].append(np.asarray(Image.fromarray(ink).resize((SIDE, SIDE))))
        yield cell, {way: torch.from_numpy(np.stack(stack)) for way, stack in ways.items()}


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(image * 255).astype(np.uint8)


def measure(
    predictors: dict[str, Predictor], digits: list[PenDigit], seed: int
) -> list[dict[str, Any]]:
    """Count how many digits each network gets right, per cell and way."""
    labels = torch.tensor([digit.label for digit in digits])
    rows = []
    for cell, ways in images(digits, seed):
        for name, predictor in predictors.items():
            right = {
                way: int((predictor.logits(to_input(stack))[:, :CLASSES].argmax(1) == labels).sum())
                for way, stack in ways.items()
            }
            rows.append({"network": name, **cell._asdict(), "n": len(labels), **right})
    return rows
