"""The Compare tab: results side by side, and the search for better ones."""

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import listing, loaded_networks, polling, session
from mnist_app.ui.compare import drawing as compare_drawing
from mnist_app.ui.compare import results_charts, results_table, search_panel
from mnist_app.ui.markdown import escaped

VIEWS = (N_("Results"), N_("Your drawing"), N_("Search"))
MOST_RESULTS = 16  # at once: their networks stay in memory
MOST_AT_FIRST = 12
BEST_OF_MORE = 8
_WIDGET = "compared"  # the key of the list of results
_COSTS: dict[str, Cost] = {}  # by the file's fingerprint, shared by all sessions


def render() -> None:
    """Draw the tab."""
    with st.container(key="compare_tab"):
        view = st.segmented_control(
            _("View"),
            VIEWS,
            default=VIEWS[0],
            format_func=_,
            required=True,
            key="compare_view",
            **session.PERSISTENT,
        )
        if view == "Search":
            search_panel.render()  # it follows the search, and polls for other changes
            return
        infos = _chosen(listing.current().networks)
        if not infos:
            st.info(_("Choose at least one result above; the Train tab makes new ones."))
        elif view == "Your drawing":
            compare_drawing.render(infos)
        else:
            _results(infos)
    polling.poll_for_changes()


def _chosen(infos: list[WeightsInfo]) -> list[WeightsInfo]:
    """Let the user choose the results to compare, and return them, best first.

    At first, all results are chosen, or the best ones if there are many. New ones are added
    automatically.
    """
    names = [info.name for info in infos]
    memory = session.current_session().compare
    if memory.known is None:
        few = len(names) <= MOST_AT_FIRST
        st.session_state[_WIDGET] = names if few else names[:BEST_OF_MORE]
    else:
        shown = st.session_state.get(_WIDGET, [])
        now = [n for n in names if n in shown or n not in memory.known][:MOST_RESULTS]
        if set(now) != set(shown):
            st.session_state[_WIDGET] = now
    memory.known = names
    with st.container(key="compared_results"):
        chosen = st.multiselect(
            _("Results"), names, key=_WIDGET, max_selections=MOST_RESULTS, **session.PERSISTENT
        )
    return [info for info in infos if info.name in chosen]


def _results(infos: list[WeightsInfo]) -> None:
    costs = _costs(infos)
    infos = [info for info in infos if info.name in costs]
    if not infos:
        return
    for problem in comparison.problems():
        st.warning(escaped(problem))
    results_table.render(infos, costs)
    results_charts.render_scatter(infos, costs)
    results_charts.render_curves(infos)


def _costs(infos: list[WeightsInfo]) -> dict[str, Cost]:
    """Return what each result's network costs, measured once per file."""
    place, costs = st.empty(), {}
    for number, info in enumerate(infos):
        try:
            key = weights.fingerprint_of(info.name)
            if key not in _COSTS:
                place.progress(number / len(infos), _("Timing {name} …").format(name=info.name))
                _COSTS[key] = comparison.cost_of(loaded_networks.result_named(info.name).predictor)
            costs[info.name] = _COSTS[key]
        except (InputError, OSError) as error:
            st.warning(escaped(error))
    place.empty()
    return costs
