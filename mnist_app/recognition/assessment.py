"""A saved network's answers to the test images of a data set, computed once and cached."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.data import catalogue
from mnist_app.data.corruptions import CORRUPTIONS, corrupt
from mnist_app.data.labelled_images import Digits, Progress, take, to_input
from mnist_app.networks.layers import folded
from mnist_app.results import weights
from mnist_app.results.cache import Entry
from mnist_app.results.weights import WeightsInfo
from mnist_app.training import metrics
from mnist_app.training.calibration import calibration_error
from mnist_app.training.evaluation import CLASSES, logits_of, probabilities

ROBUSTNESS_IMAGES = 1000  # test images to try each corruption on
_IMAGES_PER_STEP = 1000  # images between two progress reports
_Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class Assessment:
    """Answers to N labelled images, and the metrics that follow from them."""

    labels: np.ndarray  # (N,)
    chances: np.ndarray  # (N, 10): calibrated probabilities; the rest of 1 is "not a digit"

    @cached_property
    def answers(self) -> np.ndarray:
        """The most probable digits, (N,)."""
        answers: np.ndarray = self.chances.argmax(axis=1)
        return answers

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of each answer, (N,)."""
        confidence: np.ndarray = self.chances.max(axis=1)
        return confidence

    @cached_property
    def right(self) -> np.ndarray:
        """Which answers are right, bool (N,)."""
        right: np.ndarray = self.answers == self.labels
        return right

    @property
    def n(self) -> int:
        """The number of images."""
        return len(self.labels)

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0..1."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the accuracy."""
        return metrics.accuracy_interval(self.accuracy, self.n)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Digits (rows) by what they were taken for (columns): int (10, 10)."""
        return metrics.confusion(self.labels, self.answers)

    @property
    def calibration_error(self) -> float:
        """The mean gap between confidence and accuracy, 0..1."""
        tensors = torch.from_numpy(self.confidence), torch.from_numpy(self.right)
        return calibration_error(*tensors)

    def taken_for(self, digit: int, answer: int) -> np.ndarray:
        """Return the indices of the images in one cell of the confusion matrix.

        The ones with the highest confidence come first.
        """
        places = np.flatnonzero((self.labels == digit) & (self.answers == answer))
        return places[np.argsort(-self.confidence[places], kind="stable")]

    @cached_property
    def mistakes(self) -> np.ndarray:
        """The indices of the wrong answers, those with the highest confidence first."""
        return metrics.worst(self.labels, self.answers, self.confidence)


def job_arguments(info: WeightsInfo, name: str, test: Digits) -> dict[str, str]:
    """Return what determines an assessment: network, data set `name`, and the content of both."""
    return {
        "network": info.name,
        "version": weights.fingerprint_of(info.name),
        "dataset": name,
        "images": test.fingerprint,
    }


def from_entry(entry: Entry, info: WeightsInfo, test: Digits) -> Assessment:
    """Return the assessment of these test images from what `assess` computed."""
    chances = probabilities(entry.tensors["logits"].double(), info.recipe, _temperature(info))
    return Assessment(test.labels.numpy(), chances[:, :CLASSES].numpy())


def _temperature(info: WeightsInfo) -> float:
    return info.calibration.temperature


def assess(progress: Progress, network: str, version: str, dataset: str, images: str) -> Entry:
    """Compute the logits (N, K) of a data set's test images.

    Args:
        progress: called with the current task and the share done, 0..1.
        network: name of the network.
        version: the fingerprint that the network's file must have.
        dataset: name of the data set.
        images: the fingerprint that the data set's test images must have.
    Raises:
        InputError: the network or the data set is gone or has changed.
    """
    model, _, test = _loaded(progress, network, version, dataset, images)
    parts = []
    for begin in range(0, len(test), _IMAGES_PER_STEP):
        progress(message("Reading {n:,} test images", n=len(test)), begin / len(test))
        parts.append(logits_of(model, test.images[begin : begin + _IMAGES_PER_STEP]))
    return Entry({"logits": torch.cat(parts)}, {"n": len(test)})


def measure_robustness(
    progress: Progress, network: str, version: str, dataset: str, images: str
) -> Entry:
    """Measure the accuracy on corrupted test images.

    The result is the fact "curves": {kind: [[amount, accuracy], ...]}. Each corruption is tried on
    the same stratified sample of 1,000 images. The arguments and errors are those of `assess`.
    """
    model, _, test = _loaded(progress, network, version, dataset, images)
    sample = take(test, ROBUSTNESS_IMAGES, seed=0)
    x, quick = to_input(sample.images), folded(model)
    total, done = sum(len(c.levels) for c in CORRUPTIONS.values()), 0
    curves: dict[str, list[tuple[float, float]]] = {}
    for kind, corruption in CORRUPTIONS.items():
        curves[kind] = []
        for amount in corruption.levels:
            text = message("Testing robustness: {kind}", kind=message(corruption.label))
            progress(text, done / total)
            accuracy = _accuracy(quick, corrupt(x, kind, amount), sample.labels)
            curves[kind].append((amount, accuracy))
            done += 1
    return Entry({"unused": torch.zeros(1)}, {"n": len(sample), "curves": curves})


def is_assessment(entry: Entry) -> bool:
    """Return whether an entry of the cache is what `assess` computes."""
    logits = entry.tensors.get("logits")
    if logits is None or not logits.is_floating_point() or logits.dim() != 2:
        return False
    return logits.shape[1] >= CLASSES and entry.facts.get("n") == len(logits)


class _Robustness(BaseModel):
    """The facts that `measure_robustness` computes."""

    model_config = ConfigDict(strict=True)

    n: int = Field(ge=1)
    curves: dict[str, list[Annotated[list[_Finite], Field(min_length=2, max_length=2)]]]


def is_robustness(entry: Entry) -> bool:
    """Return whether an entry of the cache is what `measure_robustness` computes."""
    try:
        facts = _Robustness.model_validate(entry.facts)
    except ValidationError:
        return False
    accuracies = [accuracy for curve in facts.curves.values() for _amount, accuracy in curve]
    return set(facts.curves) == set(CORRUPTIONS) and all(0 <= a <= 1 for a in accuracies)


@torch.inference_mode()
def _accuracy(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    answers = [model(batch)[:, :CLASSES].argmax(dim=1) for batch in torch.split(images, 100)]
    return (torch.cat(answers) == labels).double().mean().item()


def _loaded(
    progress: Progress, network: str, version: str, dataset: str, images: str
) -> tuple[torch.nn.Module, WeightsInfo, Digits]:
    model, info = weights.load(network)
    test = catalogue.load_dataset(dataset, progress).test
    if weights.fingerprint_of(network) != version or test.fingerprint != images:
        raise InputError(
            message(
                "{network} or {dataset} has changed in the meantime: reload the page.",
                network=network,
                dataset=dataset,
            )
        )
    return model, info, test
