"""HTML fragments that the tabs show; pure functions of what they draw."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.recipes.architectures import LayerSummary
from mnist_app.recognition.predictor import Found, Prediction, number_text


def big_number(found: Sequence[Found]) -> str:
    """The digit or number that was read, large; nothing on a blank canvas."""
    if not found:
        return '<div class="digit"></div>'
    if len(found) == 1 and found[0].prediction.is_refused:
        return '<div class="digit none" role="status">not a digit</div>'
    text = number_text(found)
    size = f' style="font-size:min(7.5rem, {15 / len(text):.2f}rem)"' if len(text) > 1 else ""
    return f'<div class="digit" role="status"{size}>{text}</div>'


def top_three(prediction: Prediction, hint: str) -> str:
    """The three most probable digits, or a hint where there is no prediction."""
    if prediction.is_blank:
        return f'<p class="hint">{escape(hint)}</p>'
    rows = [f"<div><b>{digit}</b> <span>{p:.1%}</span></div>" for digit, p in prediction.top(3)]
    if prediction.is_refused:
        sure = max(1, round(100 * prediction.confidence))
        least = "less than " if prediction.confidence < 0.01 else "only "
        rows = [f"<p>Most like {_a(prediction.nearest)}, but {least}{sure}% sure.</p>"]
    return f'<div class="top">{"".join(rows)}</div>'


def coverage_text(coverage: float, accuracy: float, n: int, measured_on: str) -> str:
    """What a threshold means, from shares in 0..1 of n digits; never rounded up to all."""
    if not coverage:
        return f"Answers none of {n:,} {measured_on}."
    return (
        f"Answers {math.floor(1000 * coverage) / 1000:.1%} of digits, right on "
        f"{math.floor(10_000 * accuracy) / 10_000:.2%} of those ({n:,} {measured_on})."
    )


def _a(digit: int | None) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def boxes(found: Sequence[Found], rgba: np.ndarray) -> str:
    """The part of the drawing where digits were found, a box around each."""
    left, top, right, bottom = _around(found, rgba.shape)
    width, height = right - left, bottom - top
    frames = []
    for one in found:
        x, y, w, h = one.box.left - left, one.box.top - top, one.box.width, one.box.height
        digit = one.prediction.digit
        color = "#9aa0aa" if digit is None else DIGIT_COLORS[digit]
        frames.append(
            f'<i style="left:{x / width:.2%};top:{y / height:.2%};width:{w / width:.2%};'
            f'height:{h / height:.2%};border-color:{color}"></i>'
        )
    picture = png_url(rgba[top:bottom, left:right, :3].max(axis=2) / 255)
    return (
        f'<div class="seen"><div class="boxes"><img alt="The drawing, a box around each digit" '
        f'src="{picture}">{"".join(frames)}</div><small>{len(found)} digits found</small></div>'
    )


def _around(found: Sequence[Found], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all boxes with some ground around."""
    margin = max(one.box.height for one in found) // 6
    return (
        max(min(one.box.left for one in found) - margin, 0),
        max(min(one.box.top for one in found) - margin, 0),
        min(max(one.box.left + one.box.width for one in found) + margin, shape[1]),
        min(max(one.box.top + one.box.height for one in found) + margin, shape[0]),
    )


def digits_found(found: Sequence[Found]) -> str:
    """Each digit of a number: what the network saw, what it is, and how sure that is."""
    cards = [_card(one.prediction) for one in found]
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(prediction: Prediction) -> str:
    digit = "?" if prediction.digit is None else str(prediction.digit)
    color = DIGIT_COLORS[prediction.nearest]
    weak = " weak" if prediction.is_refused else ""
    return (
        f'<div class="card{weak}"><img alt="28x28 image" src="{png_url(prediction.image)}">'
        f'<b>{digit}</b><div class="track"><div class="fill" style="width:'
        f'{100 * prediction.confidence:.2f}%;background:{color}"></div></div>'
        f'<span class="value">{prediction.confidence:.1%}</span></div>'
    )


def probability_bars(prediction: Prediction) -> str:
    """Ten bars, one per digit, with the probability of each; empty on a blank canvas."""
    shown = np.zeros(10) if prediction.is_blank else prediction.probabilities
    spoken = ", ".join(f"{digit}: {p:.0%}" for digit, p in enumerate(shown))
    rows = [_bar(digit, p, prediction) for digit, p in enumerate(shown)]
    refused = " refused" if prediction.is_refused else ""
    axis = "Probability, if it were a digit" if prediction.is_refused else "Probability"
    return (
        f'<div class="bars{refused}" role="img" aria-label="{axis} of each digit: {spoken}">'
        f'{"".join(rows)}<div class="axis">{axis}</div></div>'
    )


def _bar(digit: int, probability: float, prediction: Prediction) -> str:
    value = "" if prediction.is_blank else f"{probability:.1%}"
    weak = "" if digit == prediction.digit or prediction.is_blank else " weak"
    return (
        f'<div class="label{weak}">{digit}</div><div class="track"><div class="fill" '
        f'style="width:{100 * probability:.2f}%;background:{DIGIT_COLORS[digit]}"></div></div>'
        f'<div class="value{weak}">{value}</div>'
    )


def network_input(prediction: Prediction) -> str:
    """The 28x28 image that the network sees, enlarged without smoothing."""
    picture = f'<img alt="28x28 image" src="{png_url(prediction.image)}">'
    return f'<div class="seen">{picture}<small>The network sees<br>this, 28 × 28</small></div>'


def png_url(image: np.ndarray) -> str:
    """A grey image in [0, 1], (H, W), as a data: URL."""
    buffer = io.BytesIO()
    Image.fromarray((image * 255).round().astype(np.uint8)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def architecture(layers: Sequence[LayerSummary]) -> str:
    """A network as a column of its layers, those that learn marked, with their output shapes."""
    boxes = ["<div><span>Image</span><small>28 × 28</small></div>"]
    for layer in layers:
        kind = ' class="learns"' if layer.parameters else ""
        size = " × ".join(str(side) for side in layer.shape)
        count = f" · {layer.parameters:,} w" if layer.parameters else ""
        boxes.append(
            f"<div{kind}><span>{escape(layer.label)}</span><small>{size}{count}</small></div>"
        )
    return f'<div class="net">{"<i>↓</i>".join(boxes)}</div>'


def facts(rows: Mapping[str, str]) -> str:
    """A two-column list of facts; empty ones are left out."""
    cells = [f"<b>{escape(k)}</b><span>{escape(v)}</span>" for k, v in rows.items() if v]
    return f'<div class="facts">{"".join(cells)}</div>'
