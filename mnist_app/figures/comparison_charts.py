"""Figures that compare several results, or the trials of a search."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import plotly.graph_objects as go

from mnist_app.common.translation import _
from mnist_app.figures.colors import GREY, run_color
from mnist_app.figures.plot_style import escape_html, with_common_layout
from mnist_app.figures.training_charts import SYMBOLS, Epochs, accuracy_curves, loss_curves
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.recipe import FIELDS
from mnist_app.recipes.search_space import WIDE
from mnist_app.recognition.comparison import Point

# Accuracies labelled on the error axis; only those within its range are visible.
_TICKS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
_WORST_TO_BEST = [[0, "#4c78dd"], [0.5, "#a061c2"], [0.8, "#e2596b"], [1, "#f28e2b"]]
_MOST_NAMED = 6  # an axis labels each of up to so many distinct numbers
_LEAST_ERROR = 1e-4  # drawn instead of 0, which has no logarithm
_FAR_APART = 3  # longest training over the median: above this the axis is logarithmic


def accuracies_over_epochs(histories: Mapping[str, Epochs]) -> go.Figure:
    """Plot the validation accuracy of several results, and dotted the training accuracy.

    There is one legend entry per result.
    """
    figure = accuracy_curves(histories)
    for trace in figure.data:
        trace.update(text=[f"{accuracy:.2%}" for accuracy in trace.y])
        trace.update(y=[max(1 - accuracy, _LEAST_ERROR) for accuracy in trace.y])
    errors = [error for trace in figure.data for error in trace.y]
    _accuracy_axis(figure, _("Accuracy (logarithmic error scale)"), errors)
    return _overlaid(figure, histories)


def losses_over_epochs(histories: Mapping[str, Epochs]) -> go.Figure:
    """Plot the validation loss of several results, and dotted the training loss.

    There is one legend entry per result.
    """
    figure = loss_curves(histories)
    for trace in figure.data:
        trace.update(text=[f"{loss:.4f}" for loss in trace.y])
    figure.update_yaxes(type="log", title=_("Loss per image (logarithmic)"), rangemode="normal")
    figure.update_yaxes(tickformat=".3~g", dtick="D2")
    return _overlaid(figure, histories)


def _overlaid(figure: go.Figure, histories: Mapping[str, Epochs]) -> go.Figure:
    for trace in figure.data:
        name, is_validation = trace.meta["run"], trace.meta["is_validation"]
        trace.update(legendgroup=name, hovertemplate=_curve_hover(trace.name))
        trace.update(name=name, showlegend=is_validation)
        trace.update(line_width=2.5 if is_validation else 1.2)
    lengths = sorted(len(epochs) for epochs in histories.values()) or [1]
    if lengths[-1] > _FAR_APART * lengths[len(lengths) // 2]:
        figure.update_xaxes(type="log", title=_("Epoch (logarithmic)"), dtick="D2")
    return with_common_layout(figure, height=330 + 18 * (len(histories) // 3))


def _curve_hover(curve: str) -> str:
    text = _("{curve}: {value} after epoch {epoch}")
    return text.format(curve=curve, value="%{text}", epoch="%{x}") + "<extra></extra>"


def accuracy_against_cost(points: Sequence[Point], cost: str, unit: str) -> go.Figure:
    """Plot test accuracy against the cost of a network, both axes logarithmic.

    The accuracy axis is logarithmic in the errors: 99% and 99.5% are as far apart as 98% and 99%.

    Args:
        points: one for each result.
        cost: title of the cost axis, such as "Parameters", in the language of the page.
        unit: of the cost, in the text of a point, such as "parameters", in the same language.
    """
    datasets = dict.fromkeys(point.dataset for point in points)
    figure = go.Figure([_markers(points, *which, unit) for which in zip(datasets, cycle(SYMBOLS))])
    figure.update_xaxes(
        title=_("{cost} (logarithmic)").format(cost=cost),
        type="log",
        dtick="D2",
        tickformat="~s",
        range=_cost_range([point.cost for point in points]),
    )
    title = _("Test accuracy (logarithmic error scale)")
    _accuracy_axis(figure, title, [_error(point) for point in points])
    with_common_layout(figure, height=440)
    return figure.update_layout(showlegend=len(datasets) > 1, legend_y=-0.2)


def _cost_range(costs: Sequence[float]) -> list[float] | None:
    """Return the range of the cost axis in powers of ten, with room for names at both ends."""
    if not costs:
        return None
    least, greatest = math.log10(min(costs)), math.log10(max(costs))
    room = 0.16 * max(greatest - least, 1)
    return [least - room, greatest + room]


def _accuracy_axis(figure: go.Figure, title: str, errors: Sequence[float]) -> None:
    """Label the y axis, which plots shares of errors, with accuracies."""
    figure.update_yaxes(
        title=title,
        type="log",
        range=_error_range(errors),
        tickvals=[1 - accuracy for accuracy in _TICKS],
        ticktext=[f"{100 * accuracy:g}%" for accuracy in _TICKS],
    )


def _error(point: Point) -> float:
    """Return the share of errors, but at least that of half an error."""
    return max(1 - point.accuracy, 0.5 / point.n)


def _error_range(errors: Sequence[float]) -> list[float]:
    """Return the axis range in powers of ten, most errors below, fewest above, with some room.

    Deviation bars may leave this range: a bar down to zero errors would be infinitely long.
    """
    if not errors:
        return [0, -3]
    return [min(math.log10(max(errors)) + 0.25, 0), math.log10(min(errors)) - 0.25]


def _markers(points: Sequence[Point], dataset: str, symbol: str, unit: str) -> go.Scatter:
    """Plot the points of one data set by their cost, with names alternately above and below."""
    shown = sorted((p for p in points if p.dataset == dataset), key=lambda p: p.cost)
    places = ("top center", "bottom center")
    return go.Scatter(
        x=[p.cost for p in shown],
        y=[_error(p) for p in shown],
        error_y=_deviations(shown),
        mode="markers+text",
        text=[escape_html(p.name) for p in shown],
        textposition=[places[number % 2] for number in range(len(shown))],
        textfont_size=11,
        marker={"size": 11, "symbol": symbol, "color": [run_color(p.name) for p in shown]},
        name=escape_html(dataset),
        showlegend=True,
        hovertext=[escape_html(_point_text(p, unit)) for p in shown],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _deviations(points: Sequence[Point]) -> dict[str, Any]:
    """Return bars of one standard deviation each way, with the lower end above zero errors."""
    return {
        "array": [p.deviation or 0 for p in points],
        "arrayminus": [min(p.deviation or 0, 0.999 * _error(p)) for p in points],
        "color": GREY,
        "thickness": 1.5,
        "width": 5,
    }


def _point_text(point: Point, unit: str) -> str:
    if point.deviation:
        text = _(
            "{name}: {accuracy:.2%} ± {deviation:.2%} (n = {seeds} seeds) of {n:,} test images of "
            "{dataset}; {cost:,.4g} {unit}"
        )
    else:
        text = _(
            "{name}: {accuracy:.2%} of {n:,} test images of {dataset}, one seed; {cost:,.4g} {unit}"
        )
    return text.format(**point._asdict(), unit=unit)


def trials_figure(values: Sequence[Mapping[str, Any]], accuracies: Sequence[float]) -> go.Figure:
    """Plot the trials of a search: one line per trial through its values.

    Args:
        values: of each trial, by field. Only fields that vary, the same ones in each trial.
        accuracies: of each trial on the validation images, 0..1.
    """
    fields = list(values[0]) if values else []
    axes = [_axis(field, [trial[field] for trial in values]) for field in fields]
    figure = go.Figure(_trial_lines(axes, [100 * accuracy for accuracy in accuracies]))
    with_common_layout(figure, height=330)
    return figure.update_layout(margin={"l": 60, "r": 60, "t": 50, "b": 20})


def _trial_lines(axes: Sequence[Mapping[str, Any]], percent: Sequence[float]) -> go.Parcoords:
    """Return one line per trial, which ends at its accuracy in per cent and is coloured by it."""
    result = {"label": _("validation, %"), "values": percent, "tickformat": ".4~g"}
    return go.Parcoords(
        dimensions=[*axes, result],
        line={
            "color": percent,
            "colorscale": _WORST_TO_BEST,
            "cmin": min(percent, default=0),
            "cmax": max(percent, default=1),
            "showscale": False,
        },
        labelfont={"size": 13},
        tickfont={"size": 12},
        rangefont={"size": 1, "color": "rgba(0,0,0,0)"},
    )


def _axis(field: str, values: Sequence[Any]) -> dict[str, Any]:
    label = FIELDS[field].label
    if any(isinstance(value, bool | str) or value is None for value in values):
        return _named_axis(label, values)
    if min(values) > 0 and max(values) / min(values) >= WIDE:
        return _logarithmic_axis(label, values)
    axis = {"label": label, "values": list(values), "tickformat": ".3~g"}
    if len(set(values)) <= _MOST_NAMED:
        axis |= {"tickvals": sorted(set(values))}
    return axis


def _named_axis(label: str, values: Sequence[Any]) -> dict[str, Any]:
    names = list(dict.fromkeys(map(_word, values)))
    return {
        "label": label,
        "values": [names.index(_word(value)) for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": names,
    }


def _logarithmic_axis(label: str, values: Sequence[float]) -> dict[str, Any]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    ticks = sorted(set(values))
    if len(ticks) > _MOST_NAMED:
        ticks = [10**k for k in range(low, high + 1)]
    return {
        "label": label,
        "values": [math.log10(value) for value in values],
        "tickvals": [math.log10(tick) for tick in ticks],
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def _word(value: Any) -> str:
    return escape_html(value_text(value))
