"""Figures of runs: curves over the epochs, and one drawing's probabilities over the epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import plotly.graph_objects as go

from mnist_app.common.translation import _
from mnist_app.figures.colors import DIGIT_COLORS, run_color
from mnist_app.figures.plot_style import escape_html, with_common_layout

MOST_TICKS = 7  # labels of three digits fit side by side in the narrow chart
MOST_MARKERS = 20  # longer curves have no markers
MOST_POINTS = 150  # per curve, which is sent again every second while a run is followed
# Two runs may have the same colour. Within a chart, their symbols differ.
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")

Value = TypeVar("Value")
Epochs = Sequence[Mapping[str, Any]]  # epoch events


def accuracy_curves(runs: Mapping[str, Epochs]) -> go.Figure:
    """Plot the training and validation accuracy per epoch of one or several runs."""
    figure = _curves(runs, "train_accuracy", "val_accuracy")
    figure.update_yaxes(title=_("Accuracy"), tickformat=".4~p")
    return figure


def loss_curves(runs: Mapping[str, Epochs]) -> go.Figure:
    """Plot the training and validation loss per epoch of one or several runs."""
    figure = _curves(runs, "train_loss", "val_loss")
    figure.update_yaxes(title=_("Loss per image"), rangemode="tozero")
    return figure


def digit_while_learning(probabilities: Mapping[int, Sequence[float]]) -> go.Figure:
    """Plot the ten probabilities of one drawing after each epoch, stacked to 1."""
    epochs = sorted(probabilities)
    apart = epochs[-1] - epochs[-2] if len(epochs) > 1 else 1  # long runs keep every nth epoch
    bars = [
        go.Bar(
            x=epochs,
            y=[probabilities[epoch][digit] for epoch in epochs],
            width=0.85 * apart,
            name=str(digit),
            marker_color=DIGIT_COLORS[digit],
            hovertemplate=_digit_hover(digit),
        )
        for digit in range(10)
    ]
    figure = go.Figure(bars)
    figure.update_layout(barmode="stack", legend_title=_("Digit"), legend_traceorder="normal")
    figure.update_yaxes(title=_("Probability"), tickformat=".0%", range=[0, 1])
    return _finished(figure)


def _digit_hover(digit: int) -> str:
    text = _("epoch {epoch}: {digit} with {probability}")
    return text.format(epoch="%{x}", digit=digit, probability="%{y:.1%}") + "<extra></extra>"


def _curves(runs: Mapping[str, Epochs], train_key: str, val_key: str) -> go.Figure:
    figure = go.Figure()
    for number, (name, all_epochs) in enumerate(runs.items()):
        epochs, shown_name = thinned(all_epochs), escape_html(name)
        for key, is_validation in ((train_key, False), (val_key, True)):
            text = _("{run}, validation") if is_validation else _("{run}, training")
            figure.add_scatter(
                x=[event["epoch"] for event in epochs],
                y=[event[key] for event in epochs],
                name=text.format(run=shown_name),
                meta={"run": shown_name, "is_validation": is_validation},
                mode="lines+markers" if len(epochs) <= MOST_MARKERS else "lines",
                line={
                    "color": run_color(name),
                    "dash": "solid" if is_validation else "dot",
                    "width": 2.5,
                },
                marker={"size": 6, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            )
    return _finished(figure)


def thinned(values: Sequence[Value], most: int = MOST_POINTS) -> Sequence[Value]:
    """Return at most `most` of the values, evenly spread, always including the last."""
    every = -(-len(values) // most) or 1
    return values[::-1][::every][::-1]


def _finished(figure: go.Figure) -> go.Figure:
    last = max(
        (trace.x[-1] for trace in figure.data if trace.x is not None and len(trace.x)), default=1
    )
    distance = tick_distance(last)
    figure.update_xaxes(title=_("Epoch"), tickformat="d", tick0=0, dtick=distance, tickangle=0)
    return with_common_layout(figure)


def tick_distance(last: int) -> int:
    """Return the epochs between ticks: the least of 1, 2, 5, 10, ... with at most MOST_TICKS."""
    power: int = 10 ** max(0, math.ceil(math.log10(max(1, last) / MOST_TICKS)) - 1)
    return next(step * power for step in (1, 2, 5, 10) if last <= MOST_TICKS * step * power)
