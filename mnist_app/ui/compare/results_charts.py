"""The Compare tab's charts: accuracy against complexity, and the curves of the trainings."""

import streamlit as st

from mnist_app.figures import comparison_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import session

_UNITS = {"Parameters": "parameters", "Multiply-adds": "multiply-adds", "ms per digit": "ms"}


def render_scatter(infos: list[WeightsInfo], costs: dict[str, Cost]) -> None:
    """Draw the test accuracy of each result against what it costs.

    Args:
        infos: the results; those without a test accuracy are left out.
        costs: of each, by its name.
    """
    infos = [info for info in infos if info.test_accuracy is not None]
    if not infos:
        return
    st.markdown("**Accuracy against complexity**")
    with st.container(key="scatter"):
        axis = _axis()
        others = comparison.seed_results()
        found = (
            comparison.point_of(info, _cost(info, costs[info.name], axis), others) for info in infos
        )
        points = [point for point in found if point]
        figure = charts.accuracy_against_cost(points, axis, _UNITS[axis])
        st.plotly_chart(figure, key="scatter_chart", config=PLOTLY_CONFIG)
        st.caption(
            "Bars: standard deviation over the seeds of a preset, where there are several; a point "
            "tells its n. Different data sets have different test images: compare like with like."
        )


def _axis() -> str:
    """The kind of cost that is shown."""
    return st.segmented_control(
        "Complexity",
        list(_UNITS),
        default="Parameters",
        required=True,
        key="complexity",
        label_visibility="collapsed",
        **session.PERSISTENT,
    )


def _cost(info: WeightsInfo, cost: Cost, axis: str) -> float:
    if axis == "Parameters":
        return info.parameters
    return cost.multiply_adds if axis == "Multiply-adds" else cost.milliseconds


def render_curves(infos: list[WeightsInfo]) -> None:
    """Draw accuracy and loss of each result over the epochs of its training."""
    histories = {info.name: info.history for info in infos if info.history}
    if not histories:
        return
    st.markdown("**Training curves**")
    accuracy, loss = st.columns(2)
    with accuracy, st.container(key="compare_accuracy"):
        figure = charts.accuracies_over_epochs(histories)
        st.plotly_chart(figure, key="compare_accuracy_chart", config=PLOTLY_CONFIG)
    with loss, st.container(key="compare_loss"):
        figure = charts.losses_over_epochs(histories)
        st.plotly_chart(figure, key="compare_loss_chart", config=PLOTLY_CONFIG)
    joined = [info.name for info in infos if not info.history]
    st.caption(
        "Lines: validation; dotted: training, with dropout and augmentation on. Click a name to "
        "hide it. Losses of different kinds (cross-entropy, squared error) are not comparable."
        + (f" {', '.join(joined)} was joined of others and has no curve." if joined else "")
    )
