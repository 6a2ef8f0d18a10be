"""Pictures and numbers of the Data tab as HTML."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from mnist_app.drawing.normal_form import SIDE
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.data_urls import picture_url, png_url
from mnist_app.figures.templating import from_template

SPREAD_SHOWN = 0.5  # standard deviation, as a share of the range, that is shown as white


def preprocessing(image: np.ndarray, label: int, row: int) -> Markup:
    """Show how an image, uint8 (28, 28), becomes the network's input, with one row in numbers."""
    values = image[row].tolist()
    return from_template(
        "figures/templates/preprocessing.html",
        picture=picture_url(image),
        strip=picture_url(image.reshape(1, -1)),
        row=row,
        begin=row / SIDE,
        extent=1 / SIDE,
        values=values,
        shares=[_short(value / 255) for value in values],
        label=label,
        colors=DIGIT_COLORS,
    )


def _short(share: float) -> str:
    """Format a number in 0..1 in at most three characters: 0, .07, .5, 1."""
    return f"{share:.2f}".rstrip("0").rstrip(".").removeprefix("0") or "0"


def one_hot(label: int) -> Markup:
    """Return ten boxes with their digits below: a 1 in the label's box, a 0 in the others."""
    return from_template("figures/templates/one_hot.html", label=label, colors=DIGIT_COLORS)


def averages(means: np.ndarray, spreads: np.ndarray, counts: Sequence[int]) -> Markup:
    """Return the mean image of each digit, with the standard deviation of each pixel below it.

    Args:
        means: (10, 28, 28), 0..1.
        spreads: of the same shape, in units of the range 0..1.
        counts: number of images of each digit.
    """
    shown = (spreads / SPREAD_SHOWN).clip(0, 1)
    digits = [
        {"mean": png_url(mean), "spread": png_url(spread), "n": n}
        for mean, spread, n in zip(means, shown, counts, strict=True)
    ]
    return from_template("figures/templates/averages.html", digits=digits)
