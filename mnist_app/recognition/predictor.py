"""One loaded network: drawings in, predictions out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.settings import weights_folder
from mnist_app.drawing.drawing import Drawing, as_drawing
from mnist_app.drawing.normal_form import SIDE, normal_form, to_mnist
from mnist_app.drawing.segmentation import Box, Group, Pieces, Sheet, find_pieces, outline, sheet_of
from mnist_app.networks import layers
from mnist_app.networks.models import Network
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.training.calibration import Calibration
from mnist_app.training.evaluation import CLASSES, probabilities

DEFAULT = "canvas"  # trained for what people draw
SURE = 0.9  # confidence of what needs no second look
LEVEL = 0.6  # of the height of the highest: digits that touch are at least so high
CLOSE = 0.1  # of the height: parts of one digit are nearer to each other
PRICE = 1.0  # of each digit in a number, in units of log probability
GAP_PRICE = 8.0  # of an empty width within a digit, per height
_BATCH = 100  # images at once: a page full of digits must not fill the memory
_TINY = 1e-300  # where no digit has any probability, all have the same share
_GREATEST = 1e30  # of the logits
AMONG_DIGITS = 0.5  # of the threshold: what stands in a number is more likely a digit


@dataclass(frozen=True)
class Prediction:
    """What a network makes of a drawing."""

    digit: int | None  # None: nothing drawn, or not a digit
    nearest: int | None  # the digit it is most like, also where it is none; None: nothing drawn
    probabilities: np.ndarray  # (10,), of the digits, if it is one; sums to 1
    confidence: float  # 0..1, calibrated: how likely it is the nearest digit; 0: nothing drawn
    image: np.ndarray  # (28, 28) in [0, 1], what the network saw

    @property
    def is_blank(self) -> bool:
        """Whether nothing was drawn."""
        return self.nearest is None

    @property
    def is_refused(self) -> bool:
        """Whether something was drawn that is not a digit."""
        return self.digit is None and not self.is_blank

    def at(self, threshold: float) -> "Prediction":
        """The same, answered where the confidence reaches the threshold (0..1)."""
        return replace(self, digit=self.nearest if self.confidence >= threshold else None)

    def top(self, count: int = 3) -> list[tuple[int, float]]:
        """The most probable digits with their probabilities, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(digit), float(self.probabilities[digit])) for digit in order]


@dataclass(frozen=True)
class Found:
    """A digit within a drawing: where it stands, and what it is taken for."""

    box: Box
    prediction: Prediction


def with_threshold(found: Sequence[Found], threshold: float) -> list[Found]:
    """The same digits, answered where the confidence reaches the threshold (0..1).

    Within a number a share of it, AMONG_DIGITS, is enough.
    """
    share = AMONG_DIGITS if len(found) > 1 else 1
    return [replace(one, prediction=one.prediction.at(threshold * share)) for one in found]


def number_text(found: Sequence[Found]) -> str:
    """The number that was found, from left to right, a ? for what is no digit."""
    digits = [one.prediction.digit for one in found]
    return "".join("?" if digit is None else str(digit) for digit in digits)


BLANK = Prediction(None, None, np.full(10, 0.1), 0.0, np.zeros((SIDE, SIDE), dtype=np.float32))


class Predictor:
    """A network ready to recognise drawings; it keeps no state and may be shared."""

    def __init__(self, model: Network, recipe: Recipe, info: WeightsInfo | None = None) -> None:
        self.model, self.recipe, self.info = model.eval(), recipe, info
        self._quick = layers.folded(model)
        unmeasured = Calibration(threshold=0.5 if recipe.non_digits else 0.0)
        self.calibration = info.calibration if info else unmeasured

    @classmethod
    def load(cls, name: str) -> "Predictor":
        """Load the weights of that name; InputError if there are none or they are broken."""
        model, info = weights.load(name)
        return cls(model, info.recipe, info)

    @classmethod
    def from_file(cls, path: Path, recipe: Recipe) -> "Predictor":
        """The network of a recipe with the weights in a safetensors file, or InputError."""
        return cls(weights.load_model(path, recipe), recipe)

    def predict(self, drawing: Drawing | np.ndarray) -> Prediction:
        """Recognise one digit in a drawing, or in its pixels, uint8 (H, W, 4)."""
        return self.predict_many([drawing])[0]

    def predict_many(self, drawings: Sequence[Drawing | np.ndarray]) -> list[Prediction]:
        """Recognise many drawings, or their pixels, each uint8 (H, W, 4), in one batch."""
        images = [to_mnist(drawing) for drawing in drawings]
        inked = [image for image in images if image is not None]
        found = iter(self.predict_images(torch.cat(inked)) if inked else [])
        return [BLANK if image is None else next(found) for image in images]

    def read_number(self, drawing: Drawing | np.ndarray) -> list[Found]:
        """Find the digits in a drawing, or in its pixels, and recognise them, left to right.

        Of all ways to put the pieces of ink together the most probable one is taken: the product
        of the confidences, with a price on every digit, so that a digit in two pieces stays one,
        and on the gaps within a digit, so that neighbours stay two.
        """
        drawing = as_drawing(drawing)
        sheet = sheet_of(drawing)
        if sheet is None:
            return []
        whole = outline(sheet)
        alone = Found(whole.box, self.predict(drawing))
        if alone.prediction.confidence > SURE and whole.gap < CLOSE:
            return [alone]
        return self._read_pieces(sheet) or [alone]

    def _read_pieces(self, sheet: Sheet) -> list[Found]:
        """The digits of a number; none if the drawing is rather one digit, or nothing at all."""
        pieces = find_pieces(sheet)
        if pieces.count == 1:
            return []
        images = [torch.from_numpy(normal_form(group.ink))[None, None] for group in pieces.groups]
        predictions = self.predict_images(torch.cat(images))
        row = _best_row(pieces, [p.confidence for p in predictions])
        found = [Found(pieces.groups[i].box, predictions[i]) for i in row]
        found = with_threshold(found, self.calibration.threshold)
        return found if _is_number(found, [pieces.groups[i].is_cut for i in row]) else []

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """What the network puts out for images, float32 (N, 1, 28, 28): float64 (N, outputs).

        Whatever a file made of its weights, these are numbers to compute with.
        """
        logits = torch.cat([self._quick(batch) for batch in torch.split(images, _BATCH)]).double()
        return logits.nan_to_num(0.0).clamp(-_GREATEST, _GREATEST)

    def predict_images(self, images: Tensor) -> list[Prediction]:
        """Recognise images in the normal form, float32 (N, 1, 28, 28) in [0, 1]."""
        logits = self.logits(images)
        rows = probabilities(logits, self.recipe, self.calibration.temperature).numpy()
        digits = rows[:, :CLASSES]  # the rest of 1 is "not a digit"
        shares = (digits + _TINY) / (digits + _TINY).sum(axis=1, keepdims=True)
        columns = digits.argmax(axis=1).tolist(), digits.max(axis=1).tolist()
        threshold = self.calibration.threshold
        return [
            Prediction(nearest if sure >= threshold else None, nearest, share, sure, picture)
            for nearest, sure, share, picture in zip(
                *columns, shares, images.squeeze(1).numpy(), strict=True
            )
        ]


def _best_row(pieces: Pieces, confidences: Sequence[float]) -> list[int]:
    """Which groups, side by side, cover all pieces with the greatest score."""
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for end in range(1, pieces.count + 1):
        ways = [
            (best[group.first][0] + _score(group, confidences[i]), i)
            for i, group in enumerate(pieces.groups)
            if group.last == end
        ]
        score, i = max(ways)
        best.append((score, [*best[pieces.groups[i].first][1], i]))
    return best[-1][1]


def _is_number(found: Sequence[Found], are_cut: Sequence[bool]) -> bool:
    """Whether what was found side by side is a number, and not one drawing in pieces.

    Half a letter may look like a digit: where none stands free, all have to be sure, and about
    equally high.
    """
    refused = sum(one.prediction.is_refused for one in found)
    least_sure = min(one.prediction.confidence for one in found)
    heights = [one.box.height for one in found]
    alike = least_sure >= SURE and min(heights) >= LEVEL * max(heights)
    return len(found) > 1 and refused * 3 < len(found) and (alike or not all(are_cut))


def _score(group: Group, confidence: float) -> float:
    return math.log(confidence + 1e-9) - PRICE - GAP_PRICE * group.gap


def default_network() -> str:
    """The network for drawings, or else the one with the best test accuracy.

    Raises:
        InputError: there is none.
    """
    names = [info.name for info in weights.list_weights()]
    if not names:
        raise InputError(
            f"There are no weights in {weights_folder()}: train some "
            "with 'python -m mnist_app train lenet5'."
        )
    return DEFAULT if DEFAULT in names else names[0]
