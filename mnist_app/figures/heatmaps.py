"""Numbers as small pictures in colours that everyone can tell apart, and their colour bars."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from mnist_app.figures.data_urls import png_url
from mnist_app.figures.fragments import probability_bars
from mnist_app.figures.templating import from_template
from mnist_app.recognition.predictor import Prediction

# Colour-blind people can tell blue from orange, too. Black is 0, on light and dark pages alike.
_NEGATIVE = np.array([[0, 0, 0], [30, 90, 190], [140, 205, 255]], dtype=float)
_POSITIVE = np.array([[0, 0, 0], [215, 95, 0], [255, 215, 120]], dtype=float)
_ENLARGED = 8  # pixels of the picture per pixel of the image
_INK = 0.4  # stronger ink is inside the outline
_OUTLINE = 150  # grey level of the outline
_STOPS = 9  # of a colour bar

Colours = Callable[[np.ndarray], np.ndarray]


def sequential(values: np.ndarray) -> np.ndarray:
    """Map values in 0..1, of any shape, to colours from black to pale yellow: uint8 (..., 3)."""
    return _between(_POSITIVE, values)


def diverging(values: np.ndarray) -> np.ndarray:
    """Map values in -1..1 to colours from blue through black to orange: uint8 (..., 3)."""
    positive, negative = _between(_POSITIVE, values), _between(_NEGATIVE, -values)
    return np.where(values[..., None] < 0, negative, positive)


def _between(stops: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def limit_of(values: np.ndarray) -> float:
    """Return the greatest absolute value, at which the colours end; 1 if all values are 0."""
    return float(np.abs(values).max()) or 1.0


def over_digit(values: np.ndarray, image: np.ndarray, colours: Colours, limit: float) -> np.ndarray:
    """Colour values, float (28, 28), and add the digit's outline: uint8 (224, 224, 3)."""
    big = np.kron(colours(values / limit), np.ones((_ENLARGED, _ENLARGED, 1), dtype=np.uint8))
    ink = np.kron(image > _INK, np.ones((_ENLARGED, _ENLARGED), dtype=bool))
    outline = np.zeros_like(ink)
    outline[:, 1:] |= ink[:, 1:] != ink[:, :-1]
    outline[1:] |= ink[1:] != ink[:-1]
    big[outline] = _OUTLINE
    return big


def mosaic(maps: np.ndarray, limit: float, columns: int) -> np.ndarray:
    """Arrange maps, float (N, H, W), in a grid with transparent gaps: uint8 (height, width, 4)."""
    count, height, width = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, height + 1, width + 1, 4), dtype=np.uint8)
    tiles[:count, :height, :width, :3] = diverging(maps / limit)
    tiles[:count, :height, :width, 3] = 255
    grid = tiles.reshape(rows, columns, height + 1, width + 1, 4).swapaxes(1, 2)
    return grid.reshape(rows * (height + 1), columns * (width + 1), 4)[:-1, :-1]


def color_bar(limit: float, unit: str, *, signed: bool) -> Markup:
    """Return a bar of the colours from the least to the greatest value, with their numbers."""
    ends = np.linspace(-1 if signed else 0, 1, _STOPS)
    colours = (diverging if signed else sequential)(ends).tolist()
    return from_template(
        "figures/templates/color_bar.html",
        stops=", ".join(f"rgb({r},{g},{b})" for r, g, b in colours),
        numbers=[f"−{limit:.3g}", "0", f"+{limit:.3g}"] if signed else ["0", f"{limit:.3g}"],
        unit=unit,
    )


def picture_and_bars(prediction: Prediction) -> Markup:
    """Show the image that the network saw, with its ten probabilities beside it."""
    return from_template(
        "figures/templates/picture_and_bars.html",
        picture=png_url(prediction.image),
        bars=probability_bars(prediction),
    )


class Captioned(NamedTuple):
    """A title and a caption, with their picture if there is one."""

    title: str
    caption: str
    picture: str = ""  # a data: URL
    alt: str = ""
    scale: Markup = Markup()  # a colour bar


def captioned(pictures: Sequence[Captioned]) -> Markup:
    """Show pictures side by side, each with its title above, its colour bar and caption below."""
    return from_template("figures/templates/captioned.html", pictures=pictures)


class Variant(NamedTuple):
    """A network's prediction when one step of the preprocessing is left out."""

    step: str  # its name in the language of the page
    prediction: Prediction


def variants(tried: Sequence[Variant]) -> Markup:
    """Show, for each step left out, the image that the network saw and its answer."""
    cards = [
        {
            "step": variant.step,
            "picture": png_url(variant.prediction.image),
            "digit": variant.prediction.digit,
            "confidence": variant.prediction.confidence,
        }
        for variant in tried
    ]
    return from_template("figures/templates/variants.html", cards=cards)
