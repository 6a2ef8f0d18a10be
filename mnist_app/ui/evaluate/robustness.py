"""The Evaluate tab's robustness: the accuracy on test images that are made worse step by step."""

import streamlit as st

from mnist_app.common.translation import _
from mnist_app.figures import evaluation_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.runs.jobs import Job
from mnist_app.ui import polling


def render(arguments: dict[str, str]) -> None:
    """Draw the view.

    Args:
        arguments: the arguments of the job that measures it.
    """
    found = polling.result_or_progress(Job("robustness", arguments), "robustness_again")
    if found is None:
        return
    st.caption(
        _(
            "The accuracy on the same {n:,} test images (a stratified sample, seed 0), made worse "
            "step by step. The dotted line marks the unchanged images."
        ).format(n=found.facts["n"])
    )
    curves = list(found.facts["curves"].items())
    with st.container(key="robustness"):
        for begin in range(0, len(curves), 3):
            for column, (kind, points) in zip(
                st.columns(3), curves[begin : begin + 3], strict=False
            ):
                figure = charts.robustness_curve(kind, points, found.facts["n"])
                column.plotly_chart(figure, key=f"robustness_{kind}", config=PLOTLY_CONFIG)
