"""The Compare tab: results beside each other, and the search for better ones."""

import streamlit as st

from mnist_app.common import machine
from mnist_app.common.errors import InputError
from mnist_app.figures import comparison_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost, Row
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import loaded_networks, polling, session
from mnist_app.ui.compare import drawing as compare_drawing
from mnist_app.ui.compare import search_panel
from mnist_app.ui.markdown import escaped

VIEWS = ("Results", "Your drawing", "Search")
MOST_RESULTS = 16  # at once: their networks stay in memory
MOST_AT_FIRST = 12
BEST_OF_MORE = 8
_COSTS: dict[str, Cost] = {}  # by fingerprint of the file, for all sessions
_AXES = {"Parameters": "parameters", "Multiply-adds": "multiply-adds", "ms per digit": "ms"}


def render() -> None:
    """Draw the tab."""
    with st.container(key="compare_tab"):
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], required=True, key="compare_view", **session.PERSISTENT
        )
        if view == "Search":
            search_panel.render()  # it follows the search, and looks for other news
            return
        infos = _chosen(weights.list_weights())
        if not infos:
            st.info("Choose at least one result above; the Train tab makes new ones.")
        elif view == "Your drawing":
            compare_drawing.render(infos)
        else:
            _results(infos)
    polling.poll_for_changes()


def _chosen(infos: list[WeightsInfo]) -> list[WeightsInfo]:
    """The results to compare, best first: all, or the best of many; new ones come by themselves."""
    names = [info.name for info in infos]
    known = st.session_state.get("compared_known")
    if known is None:
        few = len(names) <= MOST_AT_FIRST
        st.session_state["compared"] = names if few else names[:BEST_OF_MORE]
    else:
        shown = st.session_state.get("compared", [])
        now = [n for n in names if n in shown or n not in known][:MOST_RESULTS]
        if set(now) != set(shown):
            st.session_state["compared"] = now
    st.session_state["compared_known"] = names
    with st.container(key="compared_results"):
        chosen = st.multiselect(
            "Results", names, key="compared", max_selections=MOST_RESULTS, **session.PERSISTENT
        )
    return [info for info in infos if info.name in chosen]


def _results(infos: list[WeightsInfo]) -> None:
    costs = _costs(infos)
    infos = [info for info in infos if info.name in costs]
    if not infos:
        return
    _table([comparison.row_of(info, costs[info.name]) for info in infos], costs)
    _scatter(infos, costs)
    _curves(infos)


def _costs(infos: list[WeightsInfo]) -> dict[str, Cost]:
    """What each result's network costs, measured once for each file."""
    place, costs = st.empty(), {}
    for number, info in enumerate(infos):
        try:
            key = weights.fingerprint_of(info.name)
            if key not in _COSTS:
                place.progress(number / len(infos), f"Timing {info.name} …")
                _COSTS[key] = comparison.cost_of(loaded_networks.predictor_for(info.name).predictor)
            costs[info.name] = _COSTS[key]
        except (InputError, OSError) as error:
            st.warning(escaped(error))
    place.empty()
    return costs


# The table


def _table(rows: list[Row], costs: dict[str, Cost]) -> None:
    number = st.column_config.NumberColumn
    columns = {
        "Name": st.column_config.TextColumn(pinned=True),
        "Reported": st.column_config.TextColumn(
            help="By the source of the preset.", width="medium"
        ),
        "Test": number(format="%.2f%%", help="Accuracy on the data set's test images."),
        "95% interval": st.column_config.TextColumn(help="Of the test accuracy (Wilson)."),
        "n": number(format="localized", help="Test images."),
        "Drawn": number(format="%.2f%%", help=_drawn_help(rows)),
        "Parameters": number(format="localized"),
        "Multiply-adds": number(
            format="localized", help="For one image, in convolutions and dense layers."
        ),
        "Size, kB": number(format="localized", help="Of the file; 1 kB is 1,000 bytes."),
        "Training, s": number(format="localized", help="Training alone, where it was trained."),
        "ms per digit": number(format="%.2f", help="One image of 28 × 28, median."),
        "Seed": number(format="%d", help="Of the training."),
    }
    with st.container(key="compare_table"):
        st.dataframe(
            _cells(rows), hide_index=True, column_config=columns, placeholder="–", height="content"
        )
        st.caption(_table_text(rows, costs))
        st.download_button(
            "Download as CSV",
            comparison.csv_of(rows),
            "results.csv",
            "text/csv",
            icon=":material/download:",
            key="compare_csv",
            on_click="ignore",
        )


def _cells(rows: list[Row]) -> dict[str, list]:
    datasets = {row.dataset for row in rows}
    return {
        "Name": [row.name for row in rows],
        **({"Data set": [row.dataset for row in rows]} if len(datasets) > 1 else {}),
        "Reported": [row.reported for row in rows],
        "Test": [100 * row.test_accuracy for row in rows],
        "95% interval": [f"{row.low:.2%} to {row.high:.2%}" for row in rows],
        **({"n": [row.n for row in rows]} if len({row.n for row in rows}) > 1 else {}),
        "Drawn": [row.drawn_accuracy and 100 * row.drawn_accuracy for row in rows],
        "Parameters": [row.parameters for row in rows],
        "Multiply-adds": [row.multiply_adds for row in rows],
        "Size, kB": [round(row.bytes / 1000) for row in rows],
        "Training, s": [round(row.training_seconds, 1) for row in rows],
        "ms per digit": [row.milliseconds for row in rows],
        "Seed": [row.seed for row in rows],
    }


def _drawn_help(rows: list[Row]) -> str:
    counts = " or ".join(f"{n:,}" for n in sorted({row.drawn_n for row in rows if row.drawn_n}))
    return (
        "Accuracy on digits drawn on the canvas by people that the network never saw: real pen "
        f"strokes in 72 ways (brush, size, place, rotation), n = {counts or 0} drawings, seed 0; "
        "see docs/drawings.md."
    )


def _table_text(rows: list[Row], costs: dict[str, Cost]) -> str:
    timed = sorted({costs[row.name].n for row in rows})
    n = f"{timed[0]} to {timed[-1]}" if len(timed) > 1 else f"{timed[0]}"
    drawn = " or ".join(f"{n:,}" for n in sorted({row.drawn_n for row in rows if row.drawn_n}))
    tests = " or ".join(sorted({f"{row.n:,} images of {escaped(row.dataset)}" for row in rows}))
    told = f" Drawn: n = {drawn} drawings of pen strokes each." if drawn else ""
    return (
        f"Test: n = {tests}.{told} ms "
        f"per digit: median of {n} predictions on this machine ({machine.machine_facts()['cpu']}, "
        "one thread), beside whatever else it did."
    )


# Charts


def _scatter(infos: list[WeightsInfo], costs: dict[str, Cost]) -> None:
    st.markdown("**Accuracy against complexity**")
    with st.container(key="scatter"):
        axis = st.segmented_control(
            "Complexity",
            list(_AXES),
            default="Parameters",
            required=True,
            key="complexity",
            label_visibility="collapsed",
            **session.PERSISTENT,
        )
        others = comparison.seed_results()
        points = [
            comparison.point_of(info, _cost(info, costs[info.name], axis), others) for info in infos
        ]
        figure = charts.accuracy_against_cost(points, axis, _AXES[axis])
        st.plotly_chart(figure, key="scatter_chart", config=PLOTLY_CONFIG)
        st.caption(
            "Bars: standard deviation over the seeds of a preset, where there are several; a point "
            "tells its n. Different data sets have different test images: compare like with like."
        )


def _cost(info: WeightsInfo, cost: Cost, axis: str) -> float:
    if axis == "Parameters":
        return info.parameters
    return cost.multiply_adds if axis == "Multiply-adds" else cost.milliseconds


def _curves(infos: list[WeightsInfo]) -> None:
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
