"""A loaded network that turns drawings into predictions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.settings import weights_folder
from mnist_app.common.translation import message
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

DEFAULT = "canvas"  # trained for drawings
SURE = 0.9  # a digit with this confidence needs no further check
LEVEL = 0.6  # of the tallest digit's height: digits that touch are at least this tall
CLOSE = 0.1  # of the height: the parts of one digit are closer together than this
PRICE = 1.0  # for each digit in a number, in units of log probability
GAP_PRICE = 8.0  # for empty width within a digit as a share of the height, in the same units
_BATCH = 100  # images at once, so that a page full of digits does not fill the memory
_TINY = 1e-300  # gives all digits the same share if none has any probability
_GREATEST = 1e30  # limit of the logits
AMONG_DIGITS = 0.5  # of the threshold: ink in a number is more likely to be a digit


@dataclass(frozen=True)
class Prediction:
    """A network's answer to a drawing."""

    digit: int | None  # None: nothing drawn, or not a digit
    nearest: int | None  # the most similar digit, even for "not a digit"; None: nothing drawn
    probabilities: np.ndarray  # (10,), of the digits, given that it is one; sums to 1
    confidence: float  # 0..1, calibrated probability of the nearest digit; 0: nothing drawn
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
        """Return the same prediction with a digit only if the confidence reaches the threshold.

        The threshold is 0..1.
        """
        return replace(self, digit=self.nearest if self.confidence >= threshold else None)

    def top(self, count: int = 3) -> list[tuple[int, float]]:
        """Return the most probable digits with their probabilities, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(digit), float(self.probabilities[digit])) for digit in order]


@dataclass(frozen=True)
class Found:
    """A digit found in a drawing: where it is, and the prediction."""

    box: Box
    prediction: Prediction


def with_threshold(found: Sequence[Found], threshold: float) -> list[Found]:
    """Return the same digits, each answered only if its confidence reaches the threshold (0..1).

    Within a number, the share AMONG_DIGITS of the threshold is enough.
    """
    share = AMONG_DIGITS if len(found) > 1 else 1
    return [replace(one, prediction=one.prediction.at(threshold * share)) for one in found]


def number_text(found: Sequence[Found]) -> str:
    """Return the number that was found, from left to right, with ? for "not a digit"."""
    digits = [one.prediction.digit for one in found]
    return "".join("?" if digit is None else str(digit) for digit in digits)


BLANK = Prediction(None, None, np.full(10, 0.1), 0.0, np.zeros((SIDE, SIDE), dtype=np.float32))


class Predictor:
    """A network ready to recognise drawings; it has no mutable state and may be shared."""

    def __init__(self, model: Network, recipe: Recipe, info: WeightsInfo | None = None) -> None:
        self.model, self.recipe, self.info = model.eval(), recipe, info
        self._quick = layers.folded(model)
        unmeasured = Calibration(threshold=0.5 if recipe.non_digits else 0.0)
        self.calibration = info.calibration if info else unmeasured

    @classmethod
    def load(cls, name: str) -> "Predictor":
        """Load the network of that name; raise InputError if it does not exist or is broken."""
        model, info = weights.load(name)
        return cls(model, info.recipe, info)

    @classmethod
    def from_file(cls, path: Path, recipe: Recipe) -> "Predictor":
        """Load a recipe's network with the weights from a safetensors file.

        Raises:
            InputError: the file cannot be loaded.
        """
        return cls(weights.load_model(path, recipe), recipe)

    @property
    def nbytes(self) -> int:
        """The bytes of the network and of its copy with folded layers."""
        networks = self.model, self._quick
        return sum(t.nbytes for network in networks for t in network.state_dict().values())

    def predict(self, drawing: Drawing | np.ndarray) -> Prediction:
        """Recognise one digit in a drawing or in its pixels, uint8 (H, W, 4)."""
        return self.predict_many([drawing])[0]

    def predict_many(self, drawings: Sequence[Drawing | np.ndarray]) -> list[Prediction]:
        """Recognise many drawings together; each may also be given as pixels, uint8 (H, W, 4)."""
        images = [to_mnist(drawing) for drawing in drawings]
        inked = [image for image in images if image is not None]
        found = iter(self.predict_images(torch.cat(inked)) if inked else [])
        return [BLANK if image is None else next(found) for image in images]

    def read_number(self, drawing: Drawing | np.ndarray) -> list[Found]:
        """Find the digits in a drawing, or in its pixels, and recognise them from left to right.

        Of all ways to combine the pieces of ink into digits, the most probable one is chosen. Its
        score is the product of the confidences. Each digit has a price, so that a digit in two
        pieces stays one digit. Gaps within a digit have a price too, so that two neighbours stay
        two digits.
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
        """Return the digits of a number; none if the drawing is more likely not a number."""
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
        """Return the logits of images, float32 (N, 1, 28, 28), as float64 (N, outputs).

        They are always finite, whatever weights were in the file.
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
    """Return the indices of the groups that, side by side, cover all pieces with the best score."""
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
    """Return whether the digits found side by side are a number, and not one drawing in pieces.

    Half a letter may look like a digit. So if every digit had to be cut off from connected ink,
    each needs high confidence and all heights must be similar.
    """
    refused = sum(one.prediction.is_refused for one in found)
    least_sure = min(one.prediction.confidence for one in found)
    heights = [one.box.height for one in found]
    alike = least_sure >= SURE and min(heights) >= LEVEL * max(heights)
    return len(found) > 1 and refused * 3 < len(found) and (alike or not all(are_cut))


def _score(group: Group, confidence: float) -> float:
    return math.log(confidence + 1e-9) - PRICE - GAP_PRICE * group.gap


def default_network() -> str:
    """Return the name of the network for drawings, or else of the best one.

    The best network is the one whose 95% interval of the test accuracy begins highest.

    Raises:
        InputError: there is no network.
    """
    names = [info.name for info in weights.list_weights()]
    if not names:
        raise InputError(
            message(
                "There are no weights in {folder}: train some with 'python -m mnist_app train "
                "lenet5'.",
                folder=str(weights_folder()),
            )
        )
    return DEFAULT if DEFAULT in names else names[0]
