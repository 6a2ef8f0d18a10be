"""The words and numbers that a report shows about a result, with their labels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_app.common.translation import _, ngettext
from mnist_app.data.labelled_images import Digits
from mnist_app.figures.data_urls import picture_url
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.presets import SOURCES, Source, is_preset
from mnist_app.recipes.recipe import FIELDS, Recipe
from mnist_app.recognition.assessment import Assessment
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.training import metrics

MOST_MISTAKES = 48


class Mistake(NamedTuple):
    """A test image that the network misread."""

    label: int
    answer: int
    confidence: float  # 0..1
    picture: str  # a data: URL


def source_of(info: WeightsInfo) -> Source | None:
    """Return the source of a result's recipe, or None if it is not a preset's recipe."""
    return SOURCES[info.recipe.name] if is_preset(info.recipe) else None


def summary(info: WeightsInfo, result: Assessment, test: Digits) -> dict[str, str]:
    """Return what the result is, how well it does, and on which images, by label."""
    low, high = result.interval
    source = source_of(info)
    return {
        _("Test accuracy"): _("{accuracy:.2%} of {n:,} images of {dataset}").format(
            accuracy=result.accuracy, n=result.n, dataset=test.name
        ),
        _("{level} interval").format(level="95%"): _("{low:.2%} to {high:.2%}").format(
            low=low, high=high
        ),
        _("Reported by the source"): _(source.reported) if source else "",
        _("Trained on"): info.trained_on or info.dataset,
        _("Training"): ngettext(
            "{n} epoch, {seconds:.1f} s, seed {seed}",
            "{n} epochs, {seconds:.1f} s, seed {seed}",
            info.epochs,
        ).format(n=info.epochs, seconds=info.seconds, seed=info.seed),
        _("Parameters"): f"{info.parameters:,} ({info.bytes / 1e6:.1f} MB)",
        _("Fingerprints"): _(
            "network {network}, training data {training}, test images {test}"
        ).format(
            network=weights.fingerprint_of(info.name),
            training=info.fingerprint,
            test=test.fingerprint,
        ),
        _("Date"): info.date,
    }


def per_digit(result: Assessment) -> list[tuple[str, ...]]:
    """Return rows of digit, precision, recall, F1 and number of images; the mean comes last."""
    scores = metrics.per_digit(result.confusion)
    shares = np.stack([scores.precision, scores.recall, scores.f1], axis=1).tolist()
    rows = [
        _row(str(digit), *row)
        for digit, row in enumerate(zip(shares, scores.support.tolist(), strict=True))
    ]
    return [*rows, _row(_("mean"), metrics.averaged(scores), result.n)]


def _row(title: str, shares: Sequence[float], n: int) -> tuple[str, ...]:
    return title, *(f"{share:.2%}" for share in shares), f"{n:,}"


def worst_mistakes(result: Assessment, test: Digits) -> list[Mistake]:
    """Return the MOST_MISTAKES mistakes with the highest confidence, the highest first."""
    return [
        Mistake(
            int(result.labels[place]),
            int(result.answers[place]),
            float(result.confidence[place]),
            picture_url(test.images[place].numpy()),
        )
        for place in result.mistakes[:MOST_MISTAKES].tolist()
    ]


def recipe_fields(recipe: Recipe) -> dict[str, str]:
    """Return every field of a recipe, by its label and unit."""
    return {FIELDS[field].label_with_unit: value_text(value) or "–" for field, value in recipe}


def environment(info: WeightsInfo) -> dict[str, str]:
    """Return the versions and the machine that the network was trained with."""
    return {**info.versions, _("device"): info.device, _("threads"): str(info.threads)}
