"""The Evaluate tab's confidence: how well it matches accuracy, and what a threshold does."""

import streamlit as st

from mnist_app.figures import evaluation_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recognition.assessment import Assessment
from mnist_app.results.weights import WeightsInfo
from mnist_app.training import calibration, metrics


def render(result: Assessment, info: WeightsInfo) -> None:
    """Draw the view.

    Args:
        result: the network's assessment on the test images.
        info: the facts about the network.
    """
    left, right = st.columns(2, gap="large")
    with left, st.container(key="reliability"):
        _reliability(result)
    with right, st.container(key="coverage"):
        _coverage(result, info.calibration.threshold)


def _reliability(result: Assessment) -> None:
    st.markdown("**Is it as sure as it is right?**")
    figure = charts.reliability_diagram(metrics.reliability(result.confidence, result.right))
    st.plotly_chart(figure, key="reliability_chart", config=PLOTLY_CONFIG)
    st.caption(
        "On the dotted line, of the answers that are 80% sure 80% are right. Above each bar: "
        f"how many images. The mean gap, over {calibration.BINS} finer bins, is "
        f"{result.calibration_error:.2%}."
    )


def _coverage(result: Assessment, threshold: float) -> None:
    st.markdown("**What if it answers only when it is sure?**")
    curve = metrics.coverage_curve(result.confidence, result.right)
    figure = charts.coverage_figure(curve, threshold, result.n)
    st.plotly_chart(figure, key="coverage_chart", config=PLOTLY_CONFIG)
    answered = result.confidence >= threshold
    accuracy = result.right[answered].mean() if answered.any() else 0.0
    st.caption(
        f"At its own threshold of {threshold:.1%} it answers {answered.mean():.2%} of these "
        f"images and is right on {accuracy:.2%} of those."
    )
