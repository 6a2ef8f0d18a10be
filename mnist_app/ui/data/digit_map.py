"""A map of images in the plane: a digit at each point, and the image under the pointer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from mnist_app.common.translation import _, ngettext
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.tiles import sheet_grid

_GRAIN = 4095  # steps of a coordinate, finer than any screen


def _read(suffix: str) -> str:
    return Path(__file__).with_suffix(suffix).read_text(encoding="utf-8")


_component = st.components.v2.component("digits_map", css=_read(".css"), js=_read(".js"))


def digit_map(
    points: np.ndarray, labels: np.ndarray, sheet_url: str, titles: Sequence[str], key: str
) -> None:
    """Show labelled images at their points, each as its digit in the digit's colour.

    Hovering or tapping shows the image. Clicking a digit in the legend dims all others.

    Args:
        points: (N, 2), both axes in one unit: the map has the same scale in both directions.
        labels: (N,), 0..9.
        sheet_url: the N images, as returned by `small_sheet_url`.
        titles: the titles of the x axis and the y axis.
        key: the component's key.
    """
    data = _places(points) | _images(labels, sheet_url) | _words(labels, *titles)
    _component(data=data, key=key)


def _words(labels: np.ndarray, x: str, y: str) -> dict[str, Any]:
    """Return the texts: titles of the axes, and for each digit the card's and the legend's text."""
    only = [
        ngettext("only {digit}, {n:,} image", "only {digit}, {n:,} images", n).format(
            digit=digit, n=n
        )
        for digit, n in enumerate(np.bincount(labels, minlength=10).tolist())
    ]
    return {
        "x": x,
        "y": y,
        "alt": _("Map of {n:,} images: {x}, {y}").format(n=len(labels), x=x, y=y),
        "captions": [_("labelled {digit}").format(digit=digit) for digit in range(10)],
        "only": only,
    }


def _places(points: np.ndarray) -> dict[str, Any]:
    """Return points, (N, 2), as whole numbers from 0 in one list, and their extent."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    grain = _GRAIN / max(float(extent.max()), 1e-9)
    return {
        "points": ((points - low) * grain).round().astype(int).flatten().tolist(),
        "width": max(float(extent[0] * grain), 1.0),
        "height": max(float(extent[1] * grain), 1.0),
    }


def _images(labels: np.ndarray, sheet_url: str) -> dict[str, Any]:
    """Return what is shown at the points, and what is needed to find an image on the sheet."""
    columns, rows = sheet_grid(len(labels))
    return {
        "labels": "".join(map(str, labels.tolist())),
        "colors": list(DIGIT_COLORS),
        "sheet": sheet_url,
        "columns": columns,
        "rows": rows,
    }
