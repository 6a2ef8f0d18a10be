"""Metrics of the answers to labelled images: per digit, by confidence, and the worst errors.

Arrays are over N images: `labels` (N,) int, the digits; `answers` (N,) int, the
most probable digits; `confidence` (N,) float in [0, 1], the probability of each answer.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

CLASSES = 10
BINS = 10  # in a reliability diagram


class PerDigit(NamedTuple):
    """Precision, recall and F1, each (10,) in [0, 1], and the number of images (10,)."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Answers grouped by confidence, in bins of equal width."""

    confidence: np.ndarray  # (B,) mean per bin, NaN if it is empty
    accuracy: np.ndarray  # (B,) share of right answers, NaN if it is empty
    count: np.ndarray  # (B,)


class Coverage(NamedTuple):
    """Rising thresholds, the share of images answered at each, and the accuracy of the answers."""

    threshold: np.ndarray
    coverage: np.ndarray
    accuracy: np.ndarray


def confusion(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Count how many images of each digit (row) were read as each digit (column): int (10, 10)."""
    counts = np.bincount(labels * CLASSES + answers, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES)


def per_digit(matrix: np.ndarray) -> PerDigit:
    """Compute precision, recall and F1 from a confusion matrix (10, 10); 0 where undefined."""
    right = np.diag(matrix).astype(float)
    precision, recall = _share(right, matrix.sum(axis=0)), _share(right, matrix.sum(axis=1))
    f1 = _share(2 * right, matrix.sum(axis=0) + matrix.sum(axis=1))
    return PerDigit(precision, recall, f1, matrix.sum(axis=1))


def averaged(scores: PerDigit, *, weighted: bool = False) -> tuple[float, float, float]:
    """Average precision, recall and F1 over the digits, equally or weighted by support."""
    weights = scores.support if weighted else np.ones(CLASSES)
    values = (np.average(s, weights=weights) for s in (scores.precision, scores.recall, scores.f1))
    precision, recall, f1 = map(float, values)
    return precision, recall, f1


def reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """Compute accuracy against confidence in 10 bins; `right` is bool (N,)."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, confidence, BINS) / count
        shares = np.bincount(bins, right, BINS) / count
    return Reliability(means, shares, count)


def coverage_curve(confidence: np.ndarray, right: np.ndarray) -> Coverage:
    """Compute coverage and accuracy at every threshold that changes them, from all to few."""
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(right[order]) / answered
    last = np.append(np.diff(confidence[order]) != 0, True)  # of each group with equal confidence
    return Coverage(
        confidence[order][last][::-1], (answered / len(order))[last][::-1], accuracy[last][::-1]
    )


def worst(labels: np.ndarray, answers: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return the indices of the wrong answers, the most confident first."""
    wrong = np.flatnonzero(labels != answers)
    surest_first = np.argsort(-confidence[wrong], kind="stable")
    return wrong[surest_first]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares = np.zeros(len(part))
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def accuracy_interval(accuracy: float, n: int) -> tuple[float, float]:
    """Return the 95% confidence interval of an accuracy measured on n images (Wilson 1927).

    It equals `scipy.stats.binomtest(...).proportion_ci(method="wilson")`. The page needs it when
    it starts, where loading scipy.stats would take more than a second and 46 MB.
    """
    z = NormalDist().inv_cdf(0.975)
    middle = (accuracy + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(accuracy * (1 - accuracy) / n + (z / (2 * n)) ** 2)
    low, high = middle - half, middle + half  # at 0 and 1, rounding may push an end too far
    return max(0.0, min(accuracy, low)), min(1.0, max(accuracy, high))
