"""What the page waits for, and who draws it again when that is there.

A whole run of the page's script notes in the session what it shows: the jobs with their progress,
and what other browsers and runs can change. One fragment polls: it compares, and runs the script
again if anything is no longer as it is shown. A part that draws itself can also note that another
part of the page is out of date; the next poll sees to it unless that part was drawn meanwhile.
"""

import time

import streamlit as st
from streamlit.errors import StreamlitAPIException

from mnist_app.common.errors import InputError
from mnist_app.results.cache import Entry
from mnist_app.runs.jobs import Job, State
from mnist_app.ui import listing
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import PageMemory, current_session

_SECONDS_WHILE_WAITING = 1.0  # from one poll to the next
_SECONDS_OTHERWISE = 3.0
_UNTIL_SENT = 0.05  # seconds; what a run that ends with a rerun has not sent by then is lost
_WHOLE_PAGE = "page"  # the part that is missing if a fragment could not run itself again


# Jobs


def result_or_progress(job: Job, key: str) -> Entry | None:
    """The result if it is there; else start the job and show how far it is.

    Args:
        job: what to compute. The page is drawn again when it gets on.
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
    current_session().page.awaited_jobs[job.path.name] = (job, _as_shown(state))
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


def _as_shown(state: State) -> State:
    """A state to the precision that is seen: a whole per cent."""
    return state._replace(share=round(state.share, 2))


# Parts of the page that are out of date


def await_part(part: str) -> None:
    """Run the page again at the next poll, unless `part_rendered` is called for it by then."""
    current_session().page.missing_parts.add(part)


def part_rendered(part: str) -> None:
    """Note that a part of the page is up to date."""
    current_session().page.missing_parts.discard(part)


def rerun_soon() -> None:
    """Run the fragment that calls this again; the page at the next poll if it calls within a run.

    What the user did meanwhile comes with it.
    """
    time.sleep(_UNTIL_SENT)
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # not in a run of the fragment alone
        await_part(_WHOLE_PAGE)


# Polling


def poll_for_changes() -> None:
    """Run the whole page again when it no longer shows what there is.

    To be called once, at the end of a page on which nothing else polls.
    """
    page = current_session().page
    is_waiting = page.awaited_jobs or page.missing_parts
    seconds = _SECONDS_WHILE_WAITING if is_waiting else _SECONDS_OTHERWISE
    st.fragment(rerun_if_changed, run_every=seconds)()


def rerun_if_changed() -> None:
    """Poll once, from a fragment that runs again and again."""
    page = current_session().page
    if page.missing_parts or _has_outside_changed(page) or _have_jobs_got_on(page):
        st.rerun(scope="app")


def _has_outside_changed(page: PageMemory) -> bool:
    return page.outside_state != listing.current().outside_state(page.network)


def _have_jobs_got_on(page: PageMemory) -> bool:
    jobs = page.awaited_jobs.values()
    return any(_as_shown(job.state()) != shown for job, shown in jobs)
