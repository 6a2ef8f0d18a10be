"""Pictures and numbers of the Data tab as HTML; pure functions of what they show."""

from collections.abc import Sequence

import numpy as np

from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.fragments import png_url

SIDE = 28  # pixels
SPREAD_SHOWN = 0.5  # the standard deviation, as a share of the range, that is shown white

STYLE = """
<style>
.steps { display: flex; flex-direction: column; gap: 1.1rem; }
.steps section { display: grid; grid-template-columns: 132px 1fr; gap: .25rem 1rem;
  align-items: start; }
.steps section.wide { grid-template-columns: 1fr; }
.steps section.large { grid-template-columns: 196px 1fr; row-gap: .6rem; }
.steps .large .pixels { width: 196px; height: 196px; grid-row: auto; }
.steps .large .numbers { grid-column: 1 / -1; }
.steps .words { font-size: .9rem; }
.steps .words b { display: block; font-size: 1rem; }
.steps .words span { opacity: .8; }
.steps .pixels { position: relative; width: 132px; height: 132px; grid-row: span 2; }
.steps .pixels img { width: 100%; height: 100%; display: block; image-rendering: pixelated;
  border-radius: .35rem; box-shadow: 0 0 0 1px rgba(128,128,128,.45); }
.steps .mark { position: absolute; box-sizing: border-box; border: 2px solid #f28e2b;
  pointer-events: none; }
.steps .pixels .mark { left: -3px; right: -3px; }
.numbers { display: grid; grid-template-columns: repeat(14, 1fr); gap: 1px; }
.numbers i { font-style: normal; font-size: .58rem; line-height: 1.25rem; text-align: center;
  font-variant-numeric: tabular-nums; letter-spacing: -.03em; overflow: hidden; }
.strip { position: relative; padding: 3px 0; }
.strip img { width: 100%; height: 30px; display: block; image-rendering: pixelated;
  border-radius: .2rem; }
.strip .mark { top: 0; bottom: 0; }
.onehot { display: grid; grid-template-columns: repeat(10, minmax(0, 2.6rem)); gap: .25rem;
  text-align: center; font-variant-numeric: tabular-nums; }
.onehot b { border: 1px solid rgba(128,128,128,.45); border-radius: .3rem; padding: .2rem 0;
  font-weight: 600; }
.onehot small { opacity: .8; }
.averages { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: .5rem;
  max-width: 60rem; }
.averages div { text-align: center; font-size: .8rem; }
.averages b { font-size: 1.1rem; }
.averages img { width: 100%; aspect-ratio: 1; display: block; image-rendering: pixelated;
  border-radius: .3rem; margin-bottom: .25rem; box-shadow: 0 0 0 1px rgba(128,128,128,.45); }
.st-key-distorted .tiles { max-width: 44rem; }
.st-key-gallery_tiles .tiles { max-width: 21.5rem; display: grid;
  grid-template-columns: repeat(4, max-content); }
@media (max-width: 640px) {
  .averages { grid-template-columns: repeat(5, minmax(0, 1fr)); }
  .steps section { grid-template-columns: 96px 1fr; }
  .steps .pixels { width: 96px; height: 96px; grid-row: auto; }
  .steps section.large { grid-template-columns: 196px 1fr; }
  .steps section > .numbers { grid-column: 1 / -1; }
}
</style>
"""


def preprocessing(image: np.ndarray, label: int, row: int) -> str:
    """The way of an image, uint8 (28, 28), to the network, with the numbers of one of its rows."""
    values, picture = image[row], _pixels(image, row)
    whole = _numbers(values, [str(value) for value in values])
    shares = _numbers(values, [_short(value / 255) for value in values])
    steps = (
        ("large", picture, _words("Original", "28 × 28 pixels, each 0 to 255.", row), whole),
        ("", picture, _words("Normalised", "Divided by 255: each 0 to 1.", row), shares),
        ("wide", _words("Flattened", "784 numbers, row after row.", row), _strip(image, row)),
        ("wide", _words("One-hot label", f"What it should answer: {label}."), one_hot(label)),
    )
    sections = [f'<section class="{kind}">{"".join(parts)}</section>' for kind, *parts in steps]
    return f'<div class="steps">{"".join(sections)}</div>'


def _words(title: str, text: str, row: int | None = None) -> str:
    framed = "" if row is None else f" Framed: row {row}."
    return f'<div class="words"><b>{title}</b><span>{text}{framed}</span></div>'


def _pixels(image: np.ndarray, row: int) -> str:
    place = f"top:calc({row / SIDE:.4%} - 2px);height:calc({1 / SIDE:.4%} + 4px)"
    return (
        f'<div class="pixels"><img alt="28x28 image" src="{png_url(image / 255)}">'
        f'<div class="mark" style="{place}"></div></div>'
    )


def _short(share: float) -> str:
    """A number of 0..1 in at most three characters: 0, .07, .5, 1."""
    return f"{share:.2f}".rstrip("0").rstrip(".").removeprefix("0") or "0"


def _numbers(values: np.ndarray, texts: Sequence[str]) -> str:
    cells = [
        f'<i style="background:rgb({v},{v},{v});color:{"#000" if v > 127 else "#fff"}">{text}</i>'
        for v, text in zip(values.tolist(), texts, strict=True)
    ]
    return f'<div class="numbers">{"".join(cells)}</div>'


def _strip(image: np.ndarray, row: int) -> str:
    place = f"left:{row / SIDE:.4%};width:{1 / SIDE:.4%}"
    return (
        '<div class="strip"><img alt="784 pixels in one row" '
        f'src="{png_url(image.reshape(1, -1) / 255)}">'
        f'<div class="mark" style="{place}"></div></div>'
    )


def one_hot(label: int) -> str:
    """Ten boxes, a 1 in that of the label and 0 in the others, their digits below."""
    boxes = []
    for digit in range(10):
        hot = f' style="background:{DIGIT_COLORS[digit]};color:#fff"' if digit == label else ""
        boxes.append(f"<span><b{hot}>{int(digit == label)}</b><small>{digit}</small></span>")
    text = "".join(boxes).replace("<span>", '<span style="display:grid">')
    return f'<div class="onehot" role="img" aria-label="One-hot vector of {label}">{text}</div>'


def averages(means: np.ndarray, spreads: np.ndarray, counts: Sequence[int]) -> str:
    """The mean image of each digit and the standard deviation of each pixel below it.

    Args:
        means: (10, 28, 28), 0..1.
        spreads: of the same shape, in units of the range 0..1.
        counts: images of each digit.
    """
    cells = []
    for digit, n in enumerate(counts):
        mean = png_url(means[digit])
        spread = png_url((spreads[digit] / SPREAD_SHOWN).clip(0, 1))
        cells.append(
            f'<div><b>{digit}</b><img alt="mean image of {digit}" src="{mean}">'
            f'<img alt="spread of {digit}" src="{spread}">n = {n:,}</div>'
        )
    return f'<div class="averages">{"".join(cells)}</div>'
