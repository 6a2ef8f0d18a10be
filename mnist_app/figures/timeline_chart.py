"""The scrubber's chart: the ten probabilities along the pen's path."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from mnist_app.common.translation import N_, _
from mnist_app.figures.colors import BLUE, DIGIT_COLORS
from mnist_app.figures.data_urls import png_url
from mnist_app.figures.plot_style import with_common_layout

NOTHING = N_("nothing")  # the answer while there is no ink
_HEIGHT = 520
_SECONDS_PER_MOMENT = 0.12
_NO_TRANSITION = {"duration": 0}
_JUMP = {
    "frame": {"duration": 0, "redraw": True},
    "transition": _NO_TRANSITION,
    "mode": "immediate",
}
_LEGEND = {"orientation": "h", "x": 0, "y": -0.56, "traceorder": "normal"}
_ABOVE = {"domain": [0.72, 1], "visible": False, "fixedrange": True}
# The chart is below. Above it, the picture of the moment is on the left, its words on the right.
_AXES = {
    "xaxis": {"tickformat": ".0%", "range": [0, 1]},
    "yaxis": {
        "tickformat": ".0%",
        "range": [0, 1],
        "domain": [0, 0.66],
        "fixedrange": True,
    },
    "xaxis2": {
        "domain": [0, 0.34],
        "visible": False,
        "fixedrange": True,
        "anchor": "y2",
        "constrain": "domain",
        "constraintoward": "left",
    },
    "yaxis2": {**_ABOVE, "anchor": "x2"},
    "xaxis3": {
        "domain": [0.36, 1],
        "visible": False,
        "range": [0, 1],
        "fixedrange": True,
        "anchor": "y3",
    },
    "yaxis3": {**_ABOVE, "range": [0, 1], "anchor": "x3"},
}


class Moment(NamedTuple):
    """A network's answer to an unfinished drawing."""

    share: float  # of the pen's path, 0..1
    probabilities: Sequence[float]  # of the ten digits
    confidence: float  # 0..1
    answer: str  # a digit, "not a digit" in any language, or NOTHING
    image: np.ndarray  # (28, 28) in [0, 1], what the network saw


def timeline(moments: Sequence[Moment]) -> go.Figure:
    """Stack the ten probabilities along the pen's path, with a slider and a play button.

    The picture and the answer of each moment are above. All of this is in the page: playing it
    sends no request to the server.
    """
    figure = go.Figure([*_areas(moments), *_moving_parts(moments[-1])])
    moving = list(range(len(DIGIT_COLORS), len(figure.data)))
    figure.frames = [
        go.Frame(data=_moving_parts(moment), traces=moving, name=_percent(moment))
        for moment in moments
    ]
    with_common_layout(figure, _HEIGHT)
    return figure.update_layout(
        margin={"b": 8, "t": 8},
        legend=_LEGEND,
        legend_title=_("Digit") + " ",
        **_AXES,
        xaxis_title=_("Share of the drawing"),
        yaxis_title=_("Probability"),
        updatemenus=[_buttons()],
        sliders=[_slider(moments)],
    )


def _areas(moments: Sequence[Moment]) -> list[go.Scatter]:
    shares = [moment.share for moment in moments]
    return [
        go.Scatter(
            x=shares,
            y=[moment.probabilities[digit] for moment in moments],
            name=str(digit),
            mode="lines",
            stackgroup="digits",
            line={"width": 0.5, "color": color},
            fillcolor=color,
            hovertemplate=_hover(digit),
        )
        for digit, color in enumerate(DIGIT_COLORS)
    ]


def _hover(digit: int) -> str:
    text = _("after {share} of the drawing: {digit} with {probability}")
    filled = text.format(share="%{x:.0%}", digit=digit, probability="%{y:.1%}")
    return f"{filled}<extra></extra>"


def _moving_parts(moment: Moment) -> list[Any]:
    """Return the parts that move: a line, white on black, the picture, and the answer in words."""
    line = {"x": [moment.share] * 2, "y": [0, 1], "mode": "lines", "showlegend": False}
    return [
        go.Scatter(line, line={"color": "#000000", "width": 5}, hoverinfo="skip"),
        go.Scatter(line, line={"color": "#ffffff", "width": 2}, hoverinfo="skip"),
        go.Image(source=png_url(moment.image), xaxis="x2", yaxis="y2", hoverinfo="skip"),
        go.Scatter(
            x=[0],
            y=[0.5],
            mode="text",
            text=[_words(moment)],
            textposition="middle right",
            textfont={"size": 16},
            xaxis="x3",
            yaxis="y3",
            showlegend=False,
            hoverinfo="skip",
        ),
    ]


def _words(moment: Moment) -> str:
    """Return the answer at a moment, in Plotly's HTML."""
    sure = _("{confidence:.1%} sure").format(confidence=moment.confidence)
    if moment.answer == NOTHING:
        sure = _("no ink")
    elif not moment.answer.isdecimal():
        nearest = int(np.argmax(moment.probabilities))
        sure = _("most likely {digit}, {confidence:.0%} sure").format(
            digit=nearest, confidence=moment.confidence
        )
    drawn = _("{share} drawn").format(share=_percent(moment))
    return f"<b>{_(moment.answer)}</b><br>{drawn}<br>{sure}"


def _percent(moment: Moment) -> str:
    return f"{moment.share:.1%}" if 100 * moment.share % 1 else f"{moment.share:.0%}"


def _buttons() -> dict[str, Any]:
    """Return two buttons: play from the beginning, and pause."""
    step = {"duration": 1000 * _SECONDS_PER_MOMENT, "redraw": True}
    plays = {"frame": step, "transition": _NO_TRANSITION, "mode": "immediate", "fromcurrent": False}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "y": -0.3,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 14, "r": 8},
        "bgcolor": "rgba(128,128,128,.18)",
        "bordercolor": "rgba(128,128,128,.45)",
        "font": {"color": BLUE, "size": 14},  # also readable on the pale hover background
        "buttons": [
            {"label": _("▶ Play"), "method": "animate", "args": [None, plays]},
            {"label": _("Pause"), "method": "animate", "args": [[None], _JUMP]},
        ],
    }


def _slider(moments: Sequence[Moment]) -> dict[str, Any]:
    names = [_percent(moment) for moment in moments]
    return {
        "active": len(moments) - 1,
        "x": 0,
        "len": 1,
        "y": -0.16,
        "yanchor": "top",
        "pad": {"t": 14},
        "currentvalue": {"visible": False},
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},  # the line in the chart shows the position
        "bgcolor": "rgba(128,128,128,.35)",
        "activebgcolor": BLUE,
        "bordercolor": BLUE,
        "steps": [{"label": name, "method": "animate", "args": [[name], _JUMP]} for name in names],
    }
