"""The answers of several networks to the same drawing, as HTML."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mnist_app.common.translation import _
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.templating import from_template
from mnist_app.recognition.predictor import Found, number_text
from mnist_app.results.weights import WeightsInfo


def most_frequent_reading(readings: Mapping[str, Sequence[Found]]) -> str:
    """Return the number that most networks read, or "" if there are no readings."""
    answers = [number_text(found) for found in readings.values()]
    return max(sorted(set(answers)), key=answers.count, default="")


def reading_cards(infos: Sequence[WeightsInfo], readings: Mapping[str, Sequence[Found]]) -> Markup:
    """Return a card for each network: name, reading, confidence and the likeliest digits.

    Args:
        infos: one per network, in the order of the cards.
        readings: what each network found in the drawing, by its name. Networks that found nothing
            are missing and get no card.
    """
    most = most_frequent_reading(readings)
    cards = [_card(info, readings[info.name], most) for info in infos if info.name in readings]
    return from_template("figures/templates/readings.html", cards=cards, colors=DIGIT_COLORS)


def _card(info: WeightsInfo, found: Sequence[Found], most: str) -> dict[str, Any]:
    """Return the values of one card. The confidence is that of the least certain digit."""
    is_alone = len(found) == 1
    return {
        "name": info.name,
        "accuracy": _accuracy(info),
        "text": number_text(found),
        "count": len(found),
        "confidence": min(one.prediction.confidence for one in found),
        "is_refused": is_alone and found[0].prediction.is_refused,
        "is_other": number_text(found) != most,
        "top": found[0].prediction.top(3) if is_alone else [],
    }


def _accuracy(info: WeightsInfo) -> str:
    """Return the test accuracy, or else the validation accuracy, with one decimal."""
    if info.test_accuracy is not None:
        return _("test {accuracy:.1%}").format(accuracy=info.test_accuracy)
    if info.val_accuracy is None:
        return _("not tested")
    return _("validation {accuracy:.1%}").format(accuracy=info.val_accuracy)
