"""Calibrated confidence, and the threshold below which the answer is "not a digit"."""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn import functional

from mnist_app.recipes.recipe import Recipe
from mnist_app.training.evaluation import CLASSES, probabilities, scores

REFUSED = 0.003  # share of the validation digits that the default threshold refuses
_SUREST = 0.9  # the default threshold is never higher than this
_FEW_ERRORS = 10  # with fewer, there is no evidence that the network is underconfident
_EXACT = 1e-5  # precision of the logarithm of the temperature
BINS = 15
MOST = 10**9  # images that a measurement may be based on, at most
_THRESHOLDS = (*(step / 100 for step in range(100)), 0.995, 0.999)

Share = Annotated[float, Field(ge=0, le=1)]


class Calibration(BaseModel):
    """How a network's logits become calibrated confidence, measured on n validation images."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    temperature: float = Field(default=1.0, ge=0.001, le=1000)  # divides the logits
    threshold: float = Field(default=0.0, ge=0, le=1)  # lower confidence means "not a digit"
    thresholds: tuple[float, ...] = ()
    coverage: tuple[Share, ...] = ()  # share of the digits answered, per threshold
    accuracy: tuple[Share, ...] = ()  # share of those answers that are right, per threshold
    n: int = Field(default=0, ge=0, le=MOST)

    @model_validator(mode="after")
    def _check_lengths(self) -> "Calibration":
        rows = self.thresholds, self.coverage, self.accuracy
        if len(set(map(len, rows))) > 1 or (self.n and not self.thresholds):
            raise ValueError("thresholds: each needs a coverage and an accuracy")
        return self

    def at(self, threshold: float) -> tuple[float, float] | None:
        """Return (coverage, accuracy) at the measured threshold nearest to this one.

        None if no threshold was measured.
        """
        if not self.n:
            return None
        place = min(range(len(self.thresholds)), key=lambda i: abs(self.thresholds[i] - threshold))
        return self.coverage[place], self.accuracy[place]

    @property
    def overall_accuracy(self) -> float | None:
        """The accuracy on all n images, answered whatever the confidence; None if not measured."""
        accuracies = dict(zip(self.thresholds, self.accuracy, strict=True))
        return accuracies.get(0.0) if self.n else None


def calibrate(logits: Tensor, labels: Tensor, recipe: Recipe) -> Calibration:
    """Fit the temperature, choose the threshold, and measure coverage against accuracy.

    Args:
        logits: (N, 10 or 11), of validation images that the network was not trained on.
        labels: (N,), digits only.
        recipe: defines how logits become probabilities.
    Source: Guo, Pleiss, Sun and Weinberger 2017 (temperature scaling).
    """
    temperature = _temperature(scores(logits.double(), recipe), labels)
    chances = probabilities(logits.double(), recipe, temperature)[:, :CLASSES]
    confidence, answers = chances.max(dim=1)
    right = answers == labels
    threshold = min(confidence.quantile(REFUSED).item(), _SUREST)
    answered = [confidence >= t for t in _THRESHOLDS]
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        thresholds=_THRESHOLDS,
        coverage=tuple(a.double().mean().item() for a in answered),
        accuracy=tuple(right[a].double().mean().item() if a.any() else 1.0 for a in answered),
        n=len(labels),
    )


def _temperature(values: Tensor, labels: Tensor) -> float:
    """Return the temperature with the lowest loss, between 1/20 and 20.

    If there are few errors, it is at least 1. The loss is convex in the inverse temperature, so it
    has a single minimum, which a ternary search finds. (scipy's minimizers would do the same, but
    would add 40 MB to the memory of every training run.)
    """
    wrong = (values[:, :CLASSES].argmax(dim=1) != labels).sum().item()
    low, high = -3.0 if wrong >= _FEW_ERRORS else 0.0, 3.0

    def loss(log_temperature: float) -> float:
        return functional.cross_entropy(values / math.exp(log_temperature), labels).item()

    while high - low > _EXACT:
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy.

    The mean is over 15 bins of confidence, weighted by the number of answers in each.

    Args:
        confidence: (N,) in [0, 1].
        right: bool (N,).
    Source: Naeini, Cooper and Hauskrecht 2015.
    """
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = functional.one_hot(bins, BINS).double().T @ (confidence.double() - right.double())
    return (gaps.abs().sum() / len(right)).item()
