"""A layer's output for a drawing, and its weights, as HTML."""

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from mnist_app.common.translation import _, ngettext
from mnist_app.figures.data_urls import picture_url
from mnist_app.figures.heatmaps import color_bar, diverging, limit_of, mosaic
from mnist_app.figures.templating import from_template
from mnist_app.recognition.explain import LayerOutput

MOST_MAPS = 64
MOST_UNITS = 256  # of a layer whose output is plain numbers
MOST_TEMPLATES = 32
MOST_INPUTS = 32  # of a filter; also the most filters if they have several inputs
_MAP_SIDE = 44  # pixels on the page
_FILTER_SIDE = 18  # of a filter with several inputs
_TEMPLATE_SIDE = 84
_COLUMNS = 16  # of maps
_TEMPLATE_COLUMNS = 8


class _Picture(NamedTuple):
    """Maps side by side in one picture."""

    url: str
    width: int  # pixels on the page
    alt: str


class _Weights(NamedTuple):
    """A layer's weights as a picture."""

    heading: str
    scale: Markup
    picture: _Picture
    is_folded: bool = False  # shown only after a click


def layer(seen: LayerOutput, *, is_last: bool) -> Markup:
    """Show one layer: its maps or units, then its filters or its units' weights as images."""
    values = seen.values.numpy()
    limit, is_maps = limit_of(values), values.ndim == 3
    return from_template(
        "figures/templates/layer.html",
        label=seen.label,
        size=_size(values),
        scale=color_bar(limit, _("activation"), signed=True),
        maps=_feature_maps(values[:MOST_MAPS], limit) if is_maps else None,
        units=[] if is_maps else _units(values),
        logits=[*map(str, range(10)), _("none")] if is_last else [],
        weights=_weights(seen),
    )


def _size(values: np.ndarray) -> str:
    size = " × ".join(map(str, values.shape))
    most = MOST_MAPS if values.ndim == 3 else MOST_UNITS
    if len(values) <= most:
        return size
    return _("{size}, the first {n} shown").format(size=size, n=most)


def _feature_maps(maps: np.ndarray, limit: float) -> _Picture:
    alt = ngettext("{n} feature map", "{n} feature maps", len(maps)).format(n=len(maps))
    return _picture(maps, limit, alt)


def _weights(seen: LayerOutput) -> list[_Weights]:
    shown = []
    if seen.filters is not None:
        filters = seen.filters.numpy()
        shown.append(_filters(filters) if filters.shape[1] == 1 else _filters_by_input(filters))
    if seen.templates is not None:
        shown.append(_templates(seen.templates.numpy(), seen.values.numpy()))
    return shown


def _filters(filters: np.ndarray) -> _Weights:
    """Return filters of one input, (C, 1, H, W), as pictures."""
    count, height, width = len(filters), *filters.shape[2:]
    limit, shown = limit_of(filters), filters[:MOST_MAPS, 0]
    heading = ngettext("{n} filter, {height}×{width}", "{n} filters, {height}×{width}", count)
    return _Weights(
        heading.format(n=count, height=height, width=width),
        color_bar(limit, _("weight"), signed=True),
        _picture(shown, limit, _filters_alt(len(shown))),
    )


def _filters_alt(count: int) -> str:
    return ngettext("{n} filter", "{n} filters", count).format(n=count)


def _filters_by_input(filters: np.ndarray) -> _Weights:
    """Return filters of several inputs, (C, inputs, H, W): a row per filter, a column per input."""
    count, inputs, height, width = filters.shape
    limit, shown = limit_of(filters), filters[:MOST_INPUTS, :MOST_INPUTS]
    rows, columns = shown.shape[:2]
    heading = _(
        "{rows} of {filters} filters, {height}×{width}: one row per filter, one column for each of "
        "{columns} of the {inputs} input maps"
    ).format(rows=rows, filters=count, height=height, width=width, columns=columns, inputs=inputs)
    alt = _filters_alt(rows * columns)
    return _Weights(
        heading,
        color_bar(limit, _("weight"), signed=True),
        _picture(shown.reshape(-1, height, width), limit, alt, columns, _FILTER_SIDE),
        is_folded=True,
    )


def _templates(templates: np.ndarray, values: np.ndarray) -> _Weights:
    """Return the weights, (F, 28, 28), of the units that this drawing excites most, as images."""
    most = templates[np.argsort(-values, kind="stable")[:MOST_TEMPLATES]]
    limit = limit_of(most)
    heading = _(
        "The weights of the {shown} units (of {units}) that this drawing activates most, as 28×28 "
        "images: ink on orange raises a unit's output, ink on blue lowers it"
    ).format(shown=len(most), units=len(templates))
    alt = ngettext("weights of {n} unit", "weights of {n} units", len(most)).format(n=len(most))
    return _Weights(
        heading,
        color_bar(limit, _("weight"), signed=True),
        _picture(most, limit, alt, _TEMPLATE_COLUMNS, _TEMPLATE_SIDE),
    )


def _picture(
    maps: np.ndarray, limit: float, alt: str, columns: int = _COLUMNS, side: int = _MAP_SIDE
) -> _Picture:
    """Return maps, float (N, H, W), in one picture, each `side` pixels wide on the page."""
    width = min(columns, len(maps)) * side
    return _Picture(picture_url(mosaic(maps, limit, columns)), width, alt)


def _units(values: np.ndarray) -> list[dict[str, Any]]:
    """Return plain numbers with their colours."""
    shown = values[:MOST_UNITS]
    colours = diverging(shown / limit_of(values)).tolist()
    return [
        {"value": value, "color": ",".join(map(str, colour))}
        for value, colour in zip(shown.tolist(), colours, strict=True)
    ]
