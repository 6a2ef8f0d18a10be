"""Inside the network: what each layer makes of the drawing, and the filters it does it with."""

from html import escape

import numpy as np
import streamlit as st
import torch

from mnist_app.figures.heatmaps import STYLE, color_bar, diverging, limit_of, mosaic, picture_url
from mnist_app.recognition import explain
from mnist_app.recognition.explain import LayerOutput
from mnist_app.ui import session
from mnist_app.ui.draw.reasons.panels import Subject

MOST_MAPS = 64
MOST_UNITS = 256  # of a layer of plain numbers
MOST_TEMPLATES = 32
MOST_INPUTS = 32  # of a filter
_MAP_SIDE = 44  # pixels on the page
_COLUMNS = 16
_LOGITS = [*map(str, range(10)), "none"]


def render(subject: Subject) -> None:
    """All layers, from the image to the logits."""
    member, count = 0, explain.members_of(subject.choice.predictor.model)
    if count > 1:
        member = _member(count)
    st.caption(
        "What each layer makes of this drawing, from the image down to the logits. Orange is "
        "positive, blue negative, black nothing; each layer has a scale of its own. A mouse over a "
        "unit tells its number."
    )
    st.html(STYLE + subject.remembered("layers", lambda: _layers(subject, member), member))


def _layers(subject: Subject, member: int) -> str:
    image = torch.from_numpy(subject.prediction.image.copy())[None, None]
    layers = explain.layer_outputs(subject.choice.predictor.model, image, member)
    rows = [_layer(seen, is_last=place == len(layers) - 1) for place, seen in enumerate(layers)]
    return "".join(rows)


def _member(count: int) -> int:
    place = st.segmented_control(
        f"It is {count} networks side by side: layers of the",
        range(count),
        default=0,  # again where a network has fewer
        format_func=lambda place: f"network {place + 1}",
        required=True,
        key="layers_member",
        **session.PERSISTENT,
    )
    return place or 0  # a browser may send that there is none


def _layer(seen: LayerOutput, *, is_last: bool) -> str:
    values = seen.values.numpy()
    parts = [_maps(values) if values.ndim == 3 else _units(values, is_last)]
    if seen.filters is not None:
        parts.append(_filters(seen.filters.numpy()))
    if seen.templates is not None:
        parts.append(_templates(seen.templates.numpy(), values))
    head = _head(f"<b>{escape(seen.label)}</b> · {_size(values)}", limit_of(values))
    return f'<div class="maps">{head}{"".join(parts)}</div>'


def _head(words: str, limit: float, unit: str = "activation") -> str:
    """What is shown, and what its colours mean."""
    bar = color_bar(limit, unit, signed=True)
    return f'<div class="head"><span>{words}</span>{bar}</div>'


def _size(values: np.ndarray) -> str:
    size = " × ".join(map(str, values.shape))
    most = MOST_MAPS if values.ndim == 3 else MOST_UNITS
    return f"{size}, the first {most} shown" if len(values) > most else size


def _maps(maps: np.ndarray) -> str:
    return _pictures(maps[:MOST_MAPS], limit_of(maps), "feature maps")


def _filters(filters: np.ndarray) -> str:
    """Filters of one input as pictures; of several a row each, a column per input."""
    count, inputs = filters.shape[:2]
    size, limit = f"{filters.shape[2]}×{filters.shape[3]}", limit_of(filters)
    if inputs == 1:
        shown = filters[:MOST_MAPS, 0]
        head = _head(f"Its {count} filters, {size}", limit, "weight")
        return head + _pictures(shown, limit, "filters")
    shown = filters[:MOST_INPUTS, :MOST_INPUTS]
    words = (
        f"{len(shown)} of {count} filters, {size}: a row each, a column for each of "
        f"{shown.shape[1]} of the {inputs} maps they look at"
    )
    pictures = _pictures(shown.reshape(-1, *filters.shape[2:]), limit, "filters", len(shown[0]), 18)
    return f"<details><summary>Its filters</summary>{_head(words, limit)}{pictures}</details>"


def _templates(templates: np.ndarray, values: np.ndarray) -> str:
    """The weights of the units that this drawing moves most, as images."""
    chosen = np.argsort(-values, kind="stable")[:MOST_TEMPLATES]
    limit = limit_of(templates[chosen])
    words = (
        f"The weights of the {len(chosen)} units, of {len(templates)}, that this drawing excites "
        "most, as 28×28 images: ink on orange excites a unit, ink on blue calms it"
    )
    return _head(words, limit, "weight") + _pictures(templates[chosen], limit, "weights", 8, 84)


def _pictures(
    maps: np.ndarray, limit: float, alt: str, columns: int = _COLUMNS, side: int = _MAP_SIDE
) -> str:
    width = min(columns, len(maps)) * side
    return (
        f'<img style="width:{width}px" src="{picture_url(mosaic(maps, limit, columns))}" '
        f'alt="{len(maps)} {alt}">'
    )


def _units(values: np.ndarray, is_last: bool) -> str:
    """Plain numbers as a strip; a mouse over one tells it."""
    shown = values[:MOST_UNITS]
    colours = diverging(shown / limit_of(values)).tolist()
    cells = [
        _logit(_LOGITS[place], value, colour) if is_last else _unit(place, value, colour)
        for place, (value, colour) in enumerate(zip(shown.tolist(), colours, strict=True))
    ]
    return f'<div class="units{" named" if is_last else ""}">{"".join(cells)}</div>'


def _unit(place: int, value: float, colour: list[int]) -> str:
    rgb = ",".join(map(str, colour))
    return f'<span title="unit {place}: {value:.3g}" style="background:rgb({rgb})"></span>'


def _logit(name: str, value: float, colour: list[int]) -> str:
    rgb = ",".join(map(str, colour))
    return (
        f'<span title="logit of {name}: {value:.3g}">{name}'
        f'<i style="background:rgb({rgb})"></i>{value:.2f}</span>'
    )
