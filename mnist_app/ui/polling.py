"""Results that are computed in the background, and the page's look at how far they are."""

import time
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from mnist_app.common.errors import InputError
from mnist_app.results import weights
from mnist_app.results.cache import Entry
from mnist_app.runs import run_board, search
from mnist_app.runs.jobs import Job, State
from mnist_app.runs.run import RunStatus, find_run
from mnist_app.ui import polling
from mnist_app.ui.loaded_networks import RUN_PREFIX
from mnist_app.ui.markdown import escaped

_UNTIL_SENT = 0.05  # seconds; what a run that ends with a rerun has not sent by then is lost
_AWAITED = "awaited"  # in the session's state: the jobs that the page shows, as they stood


def result_or_progress(job: Job, key: str) -> Entry | None:
    """The result if it is there; else start the job and show how far it is.

    The page is drawn again when it gets on, by `watch`.

    Args:
        job: what to compute.
        key: of the button that tries again after a failure.
    """
    found = job.result()
    if found:
        return found
    try:
        job.start()
    except InputError as error:
        st.error(escaped(error))
        return None
    state = job.state()
    st.session_state.setdefault(_AWAITED, {})[job.path.name] = (job, _seen(state))
    if state.problem:
        st.error(escaped(state.problem))
        st.button("Try again", key=key, on_click=_retry, args=(job,))
    else:
        st.progress(min(max(state.share, 0.0), 1.0), f"{escaped(state.text)} …")
    return None


def _retry(job: Job) -> None:
    try:
        job.retry()
    except (InputError, OSError) as error:
        st.toast(escaped(error))


class _UntilNextPoll:
    """What is known to get on: nothing is waited for but the next look."""

    def state(self) -> State:
        return State(text="later")


def rerun_soon() -> None:
    """Run the part of the page that calls this again, and soon the page, if that is being drawn.

    What the user did meanwhile comes with it.
    """
    time.sleep(_UNTIL_SENT)
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        await_part("later")


def await_part(part: str) -> None:
    """Run the page again at the next look, unless `part` of it has `arrived` by then."""
    st.session_state.setdefault(_AWAITED, {})[part] = (_UntilNextPoll(), None)


def part_rendered(part: str) -> None:
    """The part that was expected is on the page."""
    st.session_state.get(_AWAITED, {}).pop(part, None)


def poll_for_changes() -> None:
    """Run the whole page again when what it waits for gets on, or others changed what it shows.

    To be called once, at the end of a page on which nothing else looks for news.
    """
    st.fragment(rerun_if_changed, run_every=1 if st.session_state.get(_AWAITED) else 3)()


def rerun_if_changed() -> None:
    """Look once, from a fragment that looks again and again."""
    polling.rerun_if_outside_changed()
    awaited = st.session_state.get(_AWAITED, {})
    if any(_seen(job.state()) != seen for job, seen in awaited.values()):
        st.session_state[_AWAITED] = {}
        st.rerun(scope="app")


def _seen(state: State) -> tuple[bool, str, int, str | None]:
    return state.is_done, state.text, round(100 * state.share), state.problem


def single_runs() -> list[RunStatus]:
    """How the runs that are no trials of a search stand, the newest first."""
    return search.without_trials(run_board.statuses())


def outside_state() -> Any:
    """What other browsers and runs can change and a page shows: results, runs, snapshots."""
    chosen = st.session_state.get("network") or ""
    live = tuple((run.id, run.state) for run in single_runs() if run.is_live)
    results = tuple((info.name, info.date) for info in weights.list_weights())
    run = find_run(chosen.removeprefix(RUN_PREFIX)) if chosen.startswith(RUN_PREFIX) else None
    return results, live, len(run.snapshots()) if run else 0


def rerun_if_outside_changed() -> None:
    """Run the whole page again if results or runs are not what it shows."""
    state = outside_state()
    if st.session_state.get("outside_state") != state:
        st.session_state["outside_state"] = state
        st.rerun(scope="app")
