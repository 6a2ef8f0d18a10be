"""The Compare tab's charts: accuracy against complexity, and training curves."""

import streamlit as st

from mnist_app.common.translation import N_, _, ngettext
from mnist_app.figures import comparison_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import session

_UNITS = {
    N_("Parameters"): N_("parameters"),
    N_("Multiply-adds"): N_("multiply-adds"),
    N_("ms per digit"): "ms",
}


def render_scatter(infos: list[WeightsInfo], costs: dict[str, Cost]) -> None:
    """Draw the test accuracy of each result against what it costs.

    Args:
        infos: the results; those without a test accuracy are left out.
        costs: the cost of each, by its name.
    """
    infos = [info for info in infos if info.test_accuracy is not None]
    if not infos:
        return
    st.markdown(_("**Accuracy against complexity**"))
    with st.container(key="scatter"):
        axis = _axis()
        others = comparison.seed_results()
        found = (
            comparison.point_of(info, _cost(info, costs[info.name], axis), others) for info in infos
        )
        points = [point for point in found if point]
        figure = charts.accuracy_against_cost(points, _(axis), _(_UNITS[axis]))
        st.plotly_chart(figure, key="scatter_chart", config=PLOTLY_CONFIG)
        st.caption(
            _(
                "Bars: the standard deviation over the seeds of a preset, if there are several. "
                "Point at a network to see n. Different data sets have different test images, so "
                "compare only networks tested on the same data set."
            )
        )


def _axis() -> str:
    """Return the kind of cost to show."""
    return st.segmented_control(
        _("Complexity"),
        list(_UNITS),
        format_func=_,
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
    """Draw each result's accuracy and loss over the epochs of its training."""
    histories = {info.name: info.history for info in infos if info.history}
    if not histories:
        return
    st.markdown(_("**Training curves**"))
    accuracy, loss = st.columns(2)
    with accuracy, st.container(key="compare_accuracy"):
        figure = charts.accuracies_over_epochs(histories)
        st.plotly_chart(figure, key="compare_accuracy_chart", config=PLOTLY_CONFIG)
    with loss, st.container(key="compare_loss"):
        figure = charts.losses_over_epochs(histories)
        st.plotly_chart(figure, key="compare_loss_chart", config=PLOTLY_CONFIG)
    text = _(
        "Solid lines: validation. Dotted lines: training, with dropout and augmentation on. Click "
        "a name to hide it. Different losses (cross-entropy, squared error) are not comparable."
    )
    st.caption(f"{text} {_without_curves(infos)}")


def _without_curves(infos: list[WeightsInfo]) -> str:
    """Return a sentence about the networks that were not trained themselves, or ""."""
    names = [info.name for info in infos if not info.history]
    if not names:
        return ""
    return ngettext(
        "{names} was combined from other networks and has no curves.",
        "{names} were combined from other networks and have no curves.",
        len(names),
    ).format(names=", ".join(names))
