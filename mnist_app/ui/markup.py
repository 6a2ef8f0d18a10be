"""HTML fragments that the tabs show; pure functions of what they draw."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from mnist_app.models import Layer
from mnist_app.predictor import Found, Prediction, number_text
from mnist_app.ui.colors import DIGIT_COLORS

STYLE = """
<style>
.stMainBlockContainer { padding: 2.6rem 2rem 3rem; }
.st-key-canvas { touch-action: none; overflow: hidden; border-radius: .6rem;
  width: 280px; height: 280px; border: 1px solid rgba(128,128,128,.45); }
.digit { font-size: 7.5rem; line-height: 1; font-weight: 700; min-height: 7.5rem; }
.digit:empty { display: none; }
.digit.none { font-size: 2rem; padding-top: 2.5rem; opacity: .75; white-space: nowrap; }
.bars.refused .fill { filter: grayscale(1); opacity: .45; }
.seen .boxes { position: relative; width: 180px; }
.seen .boxes img { width: 100%; height: auto; display: block; image-rendering: auto; }
.seen .boxes i { position: absolute; border: 2px solid; border-radius: .2rem; }
.cards { display: flex; flex-direction: column; gap: .5rem; }
.card { display: grid; grid-template-columns: 3rem 2rem 1fr 4.2rem; gap: .7rem;
  align-items: center; }
.card img { width: 3rem; height: 3rem; image-rendering: pixelated; border-radius: .3rem; }
.card b { font-size: 2rem; line-height: 1; text-align: center; }
.card .track { background: rgba(128,128,128,.16); border-radius: .35rem; height: 1.2rem;
  overflow: hidden; }
.card .fill { height: 100%; }
.card .value { font-size: 1.1rem; font-variant-numeric: tabular-nums; text-align: right; }
.card.weak { opacity: .6; }
.hint:empty, .st-key-prediction:has(.digit:empty) { display: none; }
.hint { margin: .6rem 0 0; font-size: 1.15rem; line-height: 1.8rem; }
.top { min-height: 5.4rem; font-size: 1.15rem; line-height: 1.8rem; }
.top p { margin: 0; }
.top div { white-space: nowrap; }
.top b { display: inline-block; min-width: 1.2rem; }
.top span { opacity: .8; font-variant-numeric: tabular-nums; }
.seen { display: flex; flex-direction: column; gap: .35rem; }
.seen img { width: 140px; height: 140px; image-rendering: pixelated;
  border-radius: .4rem; background: #000; border: 1px solid rgba(128,128,128,.45); }
.seen small { opacity: .8; white-space: nowrap; }
.bars { display: grid; grid-template-columns: 1.4rem 1fr 4.2rem; gap: .46rem .6rem;
  align-items: center; }
.bars .label { font-size: 1.35rem; font-weight: 600; text-align: right; }
.bars .track { background: rgba(128,128,128,.16); border-radius: .35rem; height: 1.7rem;
  overflow: hidden; }
.bars .fill { height: 100%; border-radius: .35rem; transition: width .12s linear; }
.bars .value { font-size: 1.1rem; font-variant-numeric: tabular-nums; text-align: right; }
.bars .weak { opacity: .65; }
.bars .axis { grid-column: 2; font-size: .85rem; opacity: .8; text-align: center; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .3rem .9rem; font-size: .9rem; }
.facts b { opacity: .75; font-weight: 400; }
.net { display: flex; flex-direction: column; align-items: stretch; font-size: .82rem; }
.net div { display: flex; justify-content: space-between; gap: .6rem; padding: .2rem .6rem;
  border-radius: .4rem; border: 1px solid rgba(128,128,128,.35); }
.net .learns { background: rgba(76,120,221,.18); }
.net i { text-align: center; font-style: normal; opacity: .5; line-height: .85rem; }
.net small { opacity: .8; text-align: right; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4rem 1rem 2rem; }
  :is(.st-key-given, [data-testid="stLayoutWrapper"]:has(> .st-key-given)) {
    display: contents !important; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-answer) { order: 1; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-pen) { order: 2; width: 280px !important; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-probabilities) { order: 3; }
  .st-key-answer { flex-direction: row !important; width: 100% !important; gap: 1.2rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-answer) { width: 100% !important; }
  .st-key-answer > div { width: auto !important; flex-shrink: 0; }
  .digit { font-size: 5.5rem; min-height: 5.5rem; min-width: 3.4rem; }
  .digit.none { font-size: 1.4rem; padding-top: 1.5rem; white-space: normal; width: 5rem; }
  .top { font-size: 1rem; min-width: 6.5rem; }
  .top p { max-width: 8rem; }
  .hint { margin: 0; min-height: 5.5rem; max-width: 280px; font-size: 1rem; }
  .seen img { width: 84px; height: 84px; }
  .seen { min-width: 8.5rem; }
  .seen .boxes { width: 140px; }
  .st-key-train_tab > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse; }
  .st-key-probabilities { width: 100% !important; }
}
</style>
"""


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


def architecture(layers: Sequence[Layer]) -> str:
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
