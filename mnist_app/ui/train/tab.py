"""The Train tab: choose a recipe, start a run, follow it live, stop it, resume it, keep it."""

import streamlit as st

from mnist_app.common.translation import _
from mnist_app.runs import run
from mnist_app.runs.run import RunStatus
from mnist_app.ui import choice_box, listing, polling
from mnist_app.ui.markdown import escaped
from mnist_app.ui.train import curves, progress, start_form

SECONDS_BETWEEN_LOOKS = 1.0


def render() -> None:
    """Draw the tab."""
    with st.container(key="train_tab"):
        left, right = st.columns([1, 1.6], gap="large")
    with left:
        start_form.render()
    with right:
        live = bool(listing.current().live)
        st.fragment(_follow, run_every=SECONDS_BETWEEN_LOOKS if live else 3)()


@listing.once()
def _follow() -> None:
    polling.rerun_if_changed()
    for problem in run.problems():
        st.warning(escaped(problem))
    statuses = {status.id: status for status in listing.current().runs}
    if not statuses:
        st.subheader(_("No training yet"), anchor=False)
        st.write(
            _("Choose a preset and start: its curves grow here, and go on if you close the page.")
        )
        return
    chosen = statuses[_chosen_run(statuses)]
    progress.render(chosen)
    curves.render(chosen, [other for other in statuses.values() if other is not chosen])


def _chosen_run(statuses: dict[str, RunStatus]) -> str:
    """Return the run to show: last started or chosen, else one in progress, else the newest."""

    def default() -> str:
        live = [run_id for run_id, now in statuses.items() if now.state in ("running", "starting")]
        return (live or list(statuses))[0]

    # The labels stay the same while the runs progress: new ones would close an open list.
    return choice_box.render(_("Run"), "run", list(statuses), default)
