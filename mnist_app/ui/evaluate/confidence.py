"""The Evaluate tab's confidence: how well it matches accuracy, and what a threshold does."""

import streamlit as st

from mnist_app.common.translation import _
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
    st.markdown(_("**Does its confidence match its accuracy?**"))
    figure = charts.reliability_diagram(metrics.reliability(result.confidence, result.right))
    st.plotly_chart(figure, key="reliability_chart", config=PLOTLY_CONFIG)
    st.caption(
        _(
            "On the dotted line, confidence and accuracy are equal: of the answers with a "
            "confidence of {share}, {share} are right. The number above a bar counts its images. "
            "The mean gap, over {bins} finer bins, is {gap:.2%}."
        ).format(share="80%", bins=calibration.BINS, gap=result.calibration_error)
    )


def _coverage(result: Assessment, threshold: float) -> None:
    st.markdown(_("**What if it only answers when it is sure?**"))
    curve = metrics.coverage_curve(result.confidence, result.right)
    figure = charts.coverage_figure(curve, threshold, result.n)
    st.plotly_chart(figure, key="coverage_chart", config=PLOTLY_CONFIG)
    answered = result.confidence >= threshold
    accuracy = result.right[answered].mean() if answered.any() else 0.0
    st.caption(
        _(
            "At its own threshold of {threshold:.1%}, it answers {share:.2%} of these images and "
            "is right on {accuracy:.2%} of those."
        ).format(threshold=threshold, share=answered.mean(), accuracy=accuracy)
    )
