"""Figures of a network's performance on test images."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mnist_app.data.corruptions import CORRUPTIONS
from mnist_app.figures.colors import BLUE, GREY, ORANGE
from mnist_app.figures.plot_style import with_common_layout
from mnist_app.training.metrics import Coverage, Reliability

MOST_POINTS = 300  # of the coverage curve that are sent to the page


def confusion_heatmap(matrix: np.ndarray) -> go.Figure:
    """Plot a confusion matrix, int (10, 10): digits down, answers across.

    The colour scale is logarithmic, so that mistakes stay distinguishable beside many right
    answers.
    """
    digits = [str(digit) for digit in range(len(matrix))]
    cells = go.Heatmap(
        z=np.log1p(matrix),
        x=digits,
        y=digits,
        text=matrix,
        texttemplate="%{text}",
        colorscale="Blues",
        showscale=False,
        xgap=1,
        ygap=1,
        hovertemplate="a %{y} taken for a %{x}: %{text} images<extra></extra>",
    )
    figure = go.Figure(cells)
    figure.update_xaxes(title=f"Taken for (n = {matrix.sum():,})", side="bottom")
    figure.update_yaxes(title="Digit", autorange="reversed", scaleanchor="x")
    return with_common_layout(figure, height=420)


def reliability_diagram(reliability: Reliability) -> go.Figure:
    """Plot accuracy against confidence, with the line on which both are equal."""
    figure = go.Figure([_accuracy_bars(reliability), _as_sure_as_right()])
    title = f"Confidence (n = {reliability.count.sum():,})"
    figure.update_xaxes(title=title, dtick=0.2, tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="Accuracy", tickformat=".0%", range=[0, 1.08])
    return with_common_layout(figure)


def _accuracy_bars(reliability: Reliability) -> go.Bar:
    """Return a bar for each bin of confidence, with its number of images above it."""
    bins = len(reliability.count)
    return go.Bar(
        x=(np.arange(bins) + 0.5) / bins,
        y=np.nan_to_num(reliability.accuracy),
        width=0.94 / bins,
        customdata=np.stack([reliability.count, np.nan_to_num(reliability.confidence)], axis=1),
        hovertemplate="%{customdata[0]:,} images, on average %{customdata[1]:.1%} sure: "
        "%{y:.1%} right<extra></extra>",
        marker_color=BLUE,
        name="measured",
        text=[f"{count:,}" if count else "" for count in reliability.count],
        textposition="outside",
        cliponaxis=False,
    )


def _as_sure_as_right() -> go.Scatter:
    line = {"color": GREY, "dash": "dot"}
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="as sure as right", line=line)


def coverage_figure(coverage: Coverage, threshold: float, n: int) -> go.Figure:
    """Plot the accuracy of the answers against the share answered; mark the threshold in use."""
    figure = go.Figure([_coverage_curve(coverage), _threshold_in_use(coverage, threshold)])
    figure.update_xaxes(title=f"Share answered (n = {n:,})", tickformat=".0%")
    figure.update_yaxes(title="Accuracy of the answers", tickformat=".4~p")
    return with_common_layout(figure)


def _coverage_curve(coverage: Coverage) -> go.Scatter:
    places = np.unique(np.linspace(0, len(coverage.coverage) - 1, MOST_POINTS).astype(int))
    return go.Scatter(
        x=coverage.coverage[places],
        y=coverage.accuracy[places],
        customdata=coverage.threshold[places],
        mode="lines",
        line={"color": BLUE, "width": 2.5, "shape": "hv"},
        name="every threshold",
        hovertemplate="at least %{customdata:.2%} sure: %{x:.2%} answered, %{y:.2%} of them "
        "right<extra></extra>",
    )


def _threshold_in_use(coverage: Coverage, threshold: float) -> go.Scatter:
    place = min(int(np.searchsorted(coverage.threshold, threshold)), len(coverage.threshold) - 1)
    return go.Scatter(
        x=[coverage.coverage[place]],
        y=[coverage.accuracy[place]],
        mode="markers",
        name=f"threshold in use, {threshold:.1%}",
        marker={"size": 12, "symbol": "diamond", "color": ORANGE},
    )


def robustness_curve(kind: str, points: Sequence[Sequence[float]], n: int) -> go.Figure:
    """Plot accuracy against the amount of one corruption, from [(amount, accuracy), ...]."""
    corruption = CORRUPTIONS[kind]
    amounts, accuracies = zip(*points, strict=True)
    curve = go.Scatter(
        x=amounts,
        y=accuracies,
        mode="lines+markers",
        line={"color": BLUE, "width": 2.5},
        marker={"size": 7},
        hovertemplate=f"{kind} %{{x:g}} {corruption.unit}: %{{y:.1%}} right<extra></extra>",
    )
    figure = go.Figure(curve)
    figure.add_vline(x=corruption.neutral, line={"color": GREY, "dash": "dot", "width": 1})
    figure.update_xaxes(title=f"{kind.capitalize()}, {corruption.unit}")
    figure.update_yaxes(title=f"Accuracy (n = {n:,})", tickformat=".0%", range=[0, 1.02])
    return with_common_layout(figure, height=260)
