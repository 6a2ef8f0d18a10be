"""HTML fragments about a drawing, its answer and the network."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from mnist_app.common.translation import _
from mnist_app.drawing.segmentation import Box
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.data_urls import png_url
from mnist_app.figures.templating import from_template
from mnist_app.recipes.layer_tables import LayerSummary
from mnist_app.recognition.predictor import Found, Prediction, number_text

_COLOR_OF_NO_DIGIT = "#9aa0aa"


def big_number(found: Sequence[Found]) -> Markup:
    """Return the digit or number that was read in large type; empty for a blank canvas."""
    is_refused = len(found) == 1 and found[0].prediction.is_refused
    return from_template(
        "figures/templates/big_number.html", text=number_text(found), is_refused=is_refused
    )


def top_three(prediction: Prediction, hint: str) -> Markup:
    """Return the three most probable digits, the refusal, or a hint if nothing was drawn."""
    if prediction.is_blank:
        return from_template("figures/templates/hint.html", hint=hint)
    if not prediction.is_refused:
        return from_template("figures/templates/top_three.html", top=prediction.top(3))
    return from_template("figures/templates/refusal.html", refusal=_refusal(prediction))


def _refusal(prediction: Prediction) -> str:
    """Return the nearest digit and the confidence, in whole per cent, at least 1%."""
    if prediction.confidence < 0.01:
        text = _("Most likely {digit}, but less than {confidence} sure.")
    else:
        text = _("Most likely {digit}, but only {confidence} sure.")
    percent = max(1, round(100 * prediction.confidence))
    return text.format(digit=prediction.nearest, confidence=f"{percent}%")


def coverage_text(coverage: float, accuracy: float, n: int, measured_on: str) -> str:
    """Say what a threshold means, given shares in 0..1 of n digits.

    The shares are rounded down, so that only all of them count as 100%. `measured_on` is in the
    language of the page.
    """
    if not coverage:
        return _("Answers none of {n:,} {measured_on}.").format(n=n, measured_on=measured_on)
    return _(
        "Answers {coverage:.1%} of digits, right on {accuracy:.2%} of those ({n:,} {measured_on})."
    ).format(
        coverage=math.floor(1000 * coverage) / 1000,
        accuracy=math.floor(10_000 * accuracy) / 10_000,
        n=n,
        measured_on=measured_on,
    )


def boxes(found: Sequence[Found], rgba: np.ndarray) -> Markup:
    """Show the part of the drawing, uint8 (H, W, 4), that has digits, with a box around each."""
    shown = _around(found, rgba.shape)
    right, bottom = shown.left + shown.width, shown.top + shown.height
    return from_template(
        "figures/templates/boxes.html",
        picture=drawing_url(rgba[shown.top : bottom, shown.left : right]),
        frames=[_frame(one, shown) for one in found],
    )


def _around(found: Sequence[Found], shape: tuple[int, ...]) -> Box:
    """Return the box around all digits, with a margin."""
    margin = max(one.box.height for one in found) // 6
    left = max(min(one.box.left for one in found) - margin, 0)
    top = max(min(one.box.top for one in found) - margin, 0)
    right = min(max(one.box.left + one.box.width for one in found) + margin, shape[1])
    bottom = min(max(one.box.top + one.box.height for one in found) + margin, shape[0])
    return Box(left, top, right - left, bottom - top)


def _frame(one: Found, shown: Box) -> dict[str, float | str]:
    """Return a digit's frame, in shares of the part that is shown, and its colour."""
    return {
        "left": (one.box.left - shown.left) / shown.width,
        "top": (one.box.top - shown.top) / shown.height,
        "width": one.box.width / shown.width,
        "height": one.box.height / shown.height,
        "color": _color(one.prediction.digit),
    }


def _color(digit: int | None) -> str:
    return _COLOR_OF_NO_DIGIT if digit is None else DIGIT_COLORS[digit]


def digits_found(found: Sequence[Found]) -> Markup:
    """Show each digit of a number: the image the network saw, the answer and its confidence."""
    cards = [
        {
            "picture": png_url(one.prediction.image),
            "text": number_text([one]),
            "confidence": one.prediction.confidence,
            "color": _color(one.prediction.nearest),
            "is_refused": one.prediction.is_refused,
        }
        for one in found
    ]
    return from_template("figures/templates/digit_cards.html", cards=cards)


def probability_bars(prediction: Prediction) -> Markup:
    """Return ten bars, one per digit, with the probability of each; empty for a blank canvas."""
    shares = [0.0] * 10 if prediction.is_blank else prediction.probabilities.tolist()
    return from_template(
        "figures/templates/probability_bars.html",
        axis=_("Probability if it is a digit") if prediction.is_refused else _("Probability"),
        spoken=_spoken(shares, is_refused=prediction.is_refused),
        is_refused=prediction.is_refused,
        bars=[_bar(digit, share, prediction) for digit, share in enumerate(shares)],
    )


def _spoken(shares: Sequence[float], *, is_refused: bool) -> str:
    """Return the ten probabilities as a screen reader reads them out."""
    listed = ", ".join(f"{digit}: {share:.0%}" for digit, share in enumerate(shares))
    if is_refused:
        return _("If it is a digit, the probability of each: {listed}").format(listed=listed)
    return _("Probability of each digit: {listed}").format(listed=listed)


def _bar(digit: int, share: float, prediction: Prediction) -> dict[str, float | str | bool]:
    return {
        "share": share,
        "value": "" if prediction.is_blank else f"{share:.1%}",
        "color": DIGIT_COLORS[digit],
        "is_weak": not prediction.is_blank and digit != prediction.digit,
    }


def network_input(prediction: Prediction) -> Markup:
    """Return the 28x28 image that the network sees, enlarged without smoothing."""
    return from_template("figures/templates/network_input.html", picture=png_url(prediction.image))


def whole_drawing(rgba: np.ndarray) -> Markup:
    """Return the drawing, uint8 (H, W, 4), in grey."""
    return from_template("figures/templates/whole_drawing.html", picture=drawing_url(rgba))


def drawing_url(rgba: np.ndarray) -> str:
    """Return a drawing, uint8 (H, W, 4), as a data: URL, in the grey of its brightest channel."""
    return png_url(rgba[..., :3].max(axis=2) / 255)


def architecture(layers: Sequence[LayerSummary]) -> Markup:
    """Show a network as a column of layers with output shapes; layers that learn are marked."""
    return from_template("figures/templates/architecture.html", layers=layers)


def facts(rows: Mapping[str, str]) -> Markup:
    """Return a two-column list of facts, without the empty ones."""
    return from_template("figures/templates/facts.html", facts=rows)
