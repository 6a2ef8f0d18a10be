"""Numbers as small pictures in colours that all can tell apart, and their colour bars."""

import base64
import io
from collections.abc import Callable
from html import escape

import numpy as np
from PIL import Image

from mnist_app.figures.fragments import png_url, probability_bars
from mnist_app.recognition.predictor import Prediction

STYLE = """
<style>
.reasons { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr));
  gap: 1rem 1.4rem; }
.reasons figure { margin: 0; max-width: 19rem; }
.reasons figure > b { font-size: 1.05rem; }
.reasons figcaption { font-size: .9rem; line-height: 1.35rem; margin-top: .35rem; }
.reasons .heat { display: block; width: 100%; max-width: 14rem; margin-top: .3rem; }
.heat, .maps img { image-rendering: pixelated; border-radius: .35rem; }
.heat { border: 1px solid rgba(128,128,128,.45); }
.scale { max-width: 14rem; margin-top: .4rem; font-size: .8rem;
  font-variant-numeric: tabular-nums; }
.scale i { display: block; height: .7rem; border-radius: .2rem;
  border: 1px solid rgba(128,128,128,.45); }
.scale div { display: flex; justify-content: space-between; gap: .4rem; }
.scale small { display: block; text-align: center; opacity: .85; }
.maps { margin: 0 0 1.2rem; max-width: 44rem; }
.maps .head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: end;
  gap: 0 1rem; margin-bottom: .3rem; font-size: .9rem; }
.maps .head b { font-size: 1rem; }
.maps p, .maps summary { margin: .4rem 0 .3rem; font-size: .9rem; }
.maps summary { cursor: pointer; }
.maps img { display: block; max-width: 100%; height: auto; }
.maps .scale { width: 9rem; margin: 0; font-size: .72rem; }
.maps .scale i { height: .5rem; }
.maps .scale small { margin-top: -1.15rem; }
.maps .scale span:nth-child(2):not(:last-child) { opacity: 0; }
.units { display: flex; flex-wrap: wrap; gap: 1px; max-width: 40rem; }
.units span { width: .78rem; height: 1.3rem; border-radius: 2px;
  border: 1px solid rgba(128,128,128,.35); }
.units.named span { width: auto; min-width: 3.4rem; height: auto; border: 0; font-size: .85rem;
  font-variant-numeric: tabular-nums; text-align: center; line-height: 1.25rem; }
.units.named i { display: block; height: 1.3rem; border-radius: 2px;
  border: 1px solid rgba(128,128,128,.35); }
.variants { display: flex; flex-wrap: wrap; gap: .7rem; }
.variants div { width: 5.8rem; font-size: .9rem; line-height: 1.25rem; }
.variants img { display: block; width: 84px; height: 84px; image-rendering: pixelated;
  border-radius: .35rem; border: 1px solid rgba(128,128,128,.45); }
.beside { display: flex; gap: .4rem; align-items: start; }
.beside > img { width: 112px; height: 112px; image-rendering: pixelated; border-radius: .4rem;
  border: 1px solid rgba(128,128,128,.45); }
.beside .bars { flex: 1; gap: .22rem .5rem; grid-template-columns: 1rem 1fr 3.6rem; }
.beside .bars .label { font-size: 1.05rem; }
.beside .bars .value { font-size: .95rem; }
.beside .bars .track { height: 1.15rem; }
@media (max-width: 640px) { .beside > img { width: 84px; height: 84px; } }
</style>
"""
# Blue and orange are apart for all eyes; black is nothing, on light and dark pages alike.
_NEGATIVE = np.array([[0, 0, 0], [30, 90, 190], [140, 205, 255]], dtype=float)
_POSITIVE = np.array([[0, 0, 0], [215, 95, 0], [255, 215, 120]], dtype=float)
_ENLARGED = 8  # pixels on the page for one of the 28
_INK = 0.4  # what is drawn more strongly is inside of the outline
_OUTLINE = 150  # grey of it
_STOPS = 9  # of a colour bar

Colours = Callable[[np.ndarray], np.ndarray]


def sequential(values: np.ndarray) -> np.ndarray:
    """Values in 0..1, of any shape, to colours from black to pale yellow: uint8 (..., 3)."""
    return _between(_POSITIVE, values)


def diverging(values: np.ndarray) -> np.ndarray:
    """Values in -1..1 to colours from blue over black to orange: uint8 (..., 3)."""
    positive, negative = _between(_POSITIVE, values), _between(_NEGATIVE, -values)
    return np.where(values[..., None] < 0, negative, positive)


def _between(stops: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def limit_of(values: np.ndarray) -> float:
    """The greatest distance from 0, at which the colours end; never 0."""
    return float(np.abs(values).max()) or 1.0


def over_digit(values: np.ndarray, image: np.ndarray, colours: Colours, limit: float) -> np.ndarray:
    """Values, float (28, 28), as colours with the digit's outline: uint8 (224, 224, 3)."""
    big = np.kron(colours(values / limit), np.ones((_ENLARGED, _ENLARGED, 1), dtype=np.uint8))
    ink = np.kron(image > _INK, np.ones((_ENLARGED, _ENLARGED), dtype=bool))
    outline = np.zeros_like(ink)
    outline[:, 1:] |= ink[:, 1:] != ink[:, :-1]
    outline[1:] |= ink[1:] != ink[:-1]
    big[outline] = _OUTLINE
    return big


def mosaic(maps: np.ndarray, limit: float, columns: int) -> np.ndarray:
    """Maps, float (N, H, W), side by side with clear gaps: uint8 (rows, width, 4)."""
    count, height, width = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, height + 1, width + 1, 4), dtype=np.uint8)
    tiles[:count, :height, :width, :3] = diverging(maps / limit)
    tiles[:count, :height, :width, 3] = 255
    grid = tiles.reshape(rows, columns, height + 1, width + 1, 4).swapaxes(1, 2)
    return grid.reshape(rows * (height + 1), columns * (width + 1), 4)[:-1, :-1]


def picture_url(pixels: np.ndarray) -> str:
    """Pixels, uint8 (H, W, 3 or 4), as a data: URL."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def color_bar(limit: float, unit: str, *, signed: bool) -> str:
    """The colours from the least to the greatest value, with their numbers."""
    ends = np.linspace(-1 if signed else 0, 1, _STOPS)
    colours = (diverging if signed else sequential)(ends).tolist()
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in colours)
    numbers = [f"−{limit:.3g}", "0", f"+{limit:.3g}"] if signed else ["0", f"{limit:.3g}"]
    return (
        f'<div class="scale"><i style="background:linear-gradient(90deg, {stops})"></i>'
        f"<div>{''.join(f'<span>{number}</span>' for number in numbers)}</div>"
        f"<small>{escape(unit)}</small></div>"
    )


def picture_and_bars(prediction: Prediction) -> str:
    """What the network saw, and its ten probabilities beside it."""
    picture = f'<img alt="28x28 image" src="{png_url(prediction.image)}">'
    return f'{STYLE}<div class="beside">{picture}{probability_bars(prediction)}</div>'


def figure(title: str, picture: str, alt: str, below: str, caption: str) -> str:
    """A picture (its data: URL) with its title, a colour bar in HTML below, and a caption."""
    return (
        f'<figure><b>{escape(title)}</b><img class="heat" src="{picture}" alt="{escape(alt)}">'
        f"{below}<figcaption>{escape(caption)}</figcaption></figure>"
    )
