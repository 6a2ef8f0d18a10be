"""What predictions on labelled images say: per digit, by confidence, one by one.

All functions take arrays over N images: `labels` (N,) int, the digits; `answers` (N,) int, the
most probable digits; `confidence` (N,) float in [0, 1], the probability of each answer.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

CLASSES = 10
BINS = 10  # of a reliability diagram


class PerDigit(NamedTuple):
    """Precision, recall and F1, each (10,) in [0, 1], and the number of images (10,)."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Answers gathered by their confidence, in bins of equal width."""

    confidence: np.ndarray  # (B,) mean per bin, NaN where it is empty
    accuracy: np.ndarray  # (B,) share that is right, NaN where it is empty
    count: np.ndarray  # (B,)


class Coverage(NamedTuple):
    """Answering only what is sure enough: thresholds, falling shares answered, their accuracy."""

    threshold: np.ndarray
    coverage: np.ndarray
    accuracy: np.ndarray


def confusion(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """How many images of each digit (row) were taken for each (column): int (10, 10)."""
    counts = np.bincount(labels * CLASSES + answers, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES)


def per_digit(matrix: np.ndarray) -> PerDigit:
    """Precision, recall and F1 from a confusion matrix (10, 10); 0 where there is nothing."""
    right = np.diag(matrix).astype(float)
    precision, recall = _share(right, matrix.sum(axis=0)), _share(right, matrix.sum(axis=1))
    f1 = _share(2 * right, matrix.sum(axis=0) + matrix.sum(axis=1))
    return PerDigit(precision, recall, f1, matrix.sum(axis=1))


def averaged(scores: PerDigit, *, weighted: bool = False) -> tuple[float, float, float]:
    """Precision, recall and F1 over the digits, each counting once or by its images."""
    weights = scores.support if weighted else np.ones(CLASSES)
    values = (np.average(s, weights=weights) for s in (scores.precision, scores.recall, scores.f1))
    precision, recall, f1 = map(float, values)
    return precision, recall, f1


def reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """Accuracy against confidence in 10 bins; right is bool (N,)."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, confidence, BINS) / count
        shares = np.bincount(bins, right, BINS) / count
    return Reliability(means, shares, count)


def coverage_curve(confidence: np.ndarray, right: np.ndarray) -> Coverage:
    """Share answered and its accuracy at every threshold that changes it, from all to few."""
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(right[order]) / answered
    last = np.append(np.diff(confidence[order]) != 0, True)  # of those equally sure
    return Coverage(
        confidence[order][last][::-1], (answered / len(order))[last][::-1], accuracy[last][::-1]
    )


def worst(labels: np.ndarray, answers: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The places of the wrong answers, the surest first."""
    wrong = np.flatnonzero(labels != answers)
    surest_first = np.argsort(-confidence[wrong], kind="stable")
    return wrong[surest_first]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares = np.zeros(len(part))
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def accuracy_interval(accuracy: float, n: int) -> tuple[float, float]:
    """The 95% interval of an accuracy measured on n images (Wilson 1927).

    The same as `scipy.stats.binomtest(...).proportion_ci(method="wilson")`. The page needs it at
    its start, where loading scipy.stats would take more than a second and 46 MB.
    """
    z = NormalDist().inv_cdf(0.975)
    middle = (accuracy + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(accuracy * (1 - accuracy) / n + (z / (2 * n)) ** 2)
    low, high = middle - half, middle + half  # rounded: at 0 and 1 an end may lie beyond
    return max(0.0, min(accuracy, low)), min(1.0, max(accuracy, high))
