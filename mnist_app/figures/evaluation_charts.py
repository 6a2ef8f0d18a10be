"""Figures of a network's performance on test images."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mnist_app.common.translation import N_, _
from mnist_app.data.corruptions import CORRUPTIONS
from mnist_app.figures.colors import BLUE, GREY, ORANGE
from mnist_app.figures.plot_style import with_common_layout
from mnist_app.training.metrics import Coverage, Reliability

MOST_POINTS = 300  # of the coverage curve that are sent to the page
_CORRUPTION_NAMES = {
    "blur": N_("Blur"),
    "noise": N_("Noise"),
    "rotation": N_("Rotation"),
    "shift": N_("Shift"),
    "contrast": N_("Contrast"),
    "thickness": N_("Thickness"),
}


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
        hovertemplate=_hover(
            _("{digit} read as {answer}: {n} images"), digit="%{y}", answer="%{x}", n="%{text}"
        ),
    )
    figure = go.Figure(cells)
    figure.update_xaxes(title=_("Answer (n = {n:,})").format(n=matrix.sum()), side="bottom")
    figure.update_yaxes(title=_("Digit"), autorange="reversed", scaleanchor="x")
    return with_common_layout(figure, height=420)


def _hover(text: str, **values: str) -> str:
    """Return a text for Plotly, with the values that Plotly fills in."""
    return text.format(**values) + "<extra></extra>"


def reliability_diagram(reliability: Reliability) -> go.Figure:
    """Plot accuracy against confidence, with the line on which both are equal."""
    figure = go.Figure([_accuracy_bars(reliability), _perfect_calibration()])
    title = _("Confidence (n = {n:,})").format(n=reliability.count.sum())
    figure.update_xaxes(title=title, dtick=0.2, tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title=_("Accuracy"), tickformat=".0%", range=[0, 1.08])
    return with_common_layout(figure)


def _accuracy_bars(reliability: Reliability) -> go.Bar:
    """Return a bar for each bin of confidence, with its number of images above it."""
    bins = len(reliability.count)
    return go.Bar(
        x=(np.arange(bins) + 0.5) / bins,
        y=np.nan_to_num(reliability.accuracy),
        width=0.94 / bins,
        customdata=np.stack([reliability.count, np.nan_to_num(reliability.confidence)], axis=1),
        hovertemplate=_hover(
            _("{n} images with a mean confidence of {confidence}: {accuracy} right"),
            n="%{customdata[0]:,}",
            confidence="%{customdata[1]:.1%}",
            accuracy="%{y:.1%}",
        ),
        marker_color=BLUE,
        name=_("measured"),
        text=[f"{count:,}" if count else "" for count in reliability.count],
        textposition="outside",
        cliponaxis=False,
    )


def _perfect_calibration() -> go.Scatter:
    line = {"color": GREY, "dash": "dot"}
    name = _("perfectly calibrated")
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name=name, line=line)


def coverage_figure(coverage: Coverage, threshold: float, n: int) -> go.Figure:
    """Plot the accuracy of the answers against the share answered; mark the threshold in use."""
    figure = go.Figure([_coverage_curve(coverage), _threshold_in_use(coverage, threshold)])
    figure.update_xaxes(title=_("Share answered (n = {n:,})").format(n=n), tickformat=".0%")
    figure.update_yaxes(title=_("Accuracy of the answers"), tickformat=".4~p")
    return with_common_layout(figure)


def _coverage_curve(coverage: Coverage) -> go.Scatter:
    places = np.unique(np.linspace(0, len(coverage.coverage) - 1, MOST_POINTS).astype(int))
    return go.Scatter(
        x=coverage.coverage[places],
        y=coverage.accuracy[places],
        customdata=coverage.threshold[places],
        mode="lines",
        line={"color": BLUE, "width": 2.5, "shape": "hv"},
        name=_("all thresholds"),
        hovertemplate=_hover(
            _("threshold {threshold}: {share} answered, {accuracy} of those right"),
            threshold="%{customdata:.2%}",
            share="%{x:.2%}",
            accuracy="%{y:.2%}",
        ),
    )


def _threshold_in_use(coverage: Coverage, threshold: float) -> go.Scatter:
    place = min(int(np.searchsorted(coverage.threshold, threshold)), len(coverage.threshold) - 1)
    return go.Scatter(
        x=[coverage.coverage[place]],
        y=[coverage.accuracy[place]],
        mode="markers",
        name=_("current threshold, {threshold:.1%}").format(threshold=threshold),
        marker={"size": 12, "symbol": "diamond", "color": ORANGE},
    )


def robustness_curve(kind: str, points: Sequence[Sequence[float]], n: int) -> go.Figure:
    """Plot accuracy against the amount of one corruption, from [(amount, accuracy), ...]."""
    amounts, accuracies = zip(*points, strict=True)
    curve = go.Scatter(
        x=amounts,
        y=accuracies,
        mode="lines+markers",
        line={"color": BLUE, "width": 2.5},
        marker={"size": 7},
        hovertemplate=_hover(
            _("{corruption}: {amount} {unit}, {accuracy} right"),
            corruption=_(_CORRUPTION_NAMES[kind]),
            amount="%{x:g}",
            unit=_(CORRUPTIONS[kind].unit),
            accuracy="%{y:.1%}",
        ),
    )
    figure = go.Figure(curve)
    figure.add_vline(x=CORRUPTIONS[kind].neutral, line={"color": GREY, "dash": "dot", "width": 1})
    figure.update_xaxes(title=corruption_label(kind))
    figure.update_yaxes(
        title=_("Accuracy (n = {n:,})").format(n=n), tickformat=".0%", range=[0, 1.02]
    )
    return with_common_layout(figure, height=260)


def corruption_label(kind: str) -> str:
    """Return the name of a corruption with its unit, such as "Blur (px)"."""
    return f"{_(_CORRUPTION_NAMES[kind])} ({_(CORRUPTIONS[kind].unit)})"
