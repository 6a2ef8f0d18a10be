"""Keep the page up to date: record what it shows, poll for changes, and rerun it.

A full rerun of the page's script records in the session what the page shows: the jobs with their
progress, and whatever other browsers and runs can change. One fragment polls. It compares this
record with the current state, and reruns the script if anything differs. A fragment can also report
that another part of the page is out of date. The next poll then reruns the page, unless that part
has been drawn in the meantime.
"""

import time

import streamlit as st
from streamlit.errors import StreamlitAPIException

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.results.cache import Entry
from mnist_app.runs.jobs import Job, State
from mnist_app.ui import listing
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import PageMemory, current_session

_SECONDS_WHILE_WAITING = 1.0  # from one poll to the next
_SECONDS_OTHERWISE = 3.0
_UNTIL_SENT = 0.05  # seconds; a rerun loses messages that have not been sent by then
_WHOLE_PAGE = "page"  # the part that is out of date if a fragment could not rerun itself


# Jobs


def result_or_progress(job: Job, key: str) -> Entry | None:
    """Return the job's result; without one, start the job, show its progress and return None.

    Args:
        job: what to compute. The page reruns whenever the job makes progress.
        key: the key of the button that retries after a failure.
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
        st.button(_("Try again"), key=key, on_click=_retry, args=(job,))
    else:
        st.progress(min(max(state.share, 0.0), 1.0), f"{escaped(state.text)} …")
    return None


def _retry(job: Job) -> None:
    try:
        job.retry()
    except (InputError, OSError) as error:
        st.toast(escaped(error))


def _as_shown(state: State) -> State:
    """Return a state at the precision that the page shows: whole percents."""
    return state._replace(share=round(state.share, 2))


# Parts of the page that are out of date


def await_part(part: str) -> None:
    """Rerun the page at the next poll, unless `part_rendered` is called for the part first."""
    current_session().page.missing_parts.add(part)


def part_rendered(part: str) -> None:
    """Record that a part of the page is up to date."""
    current_session().page.missing_parts.discard(part)


def rerun_soon() -> None:
    """Rerun the fragment that calls this; during a full rerun, rerun the page at the next poll.

    The rerun includes what the user did in the meantime.
    """
    time.sleep(_UNTIL_SENT)
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # this is a full rerun, not one of the fragment alone
        await_part(_WHOLE_PAGE)


# Polling


def poll_for_changes() -> None:
    """Rerun the whole page when what it shows is out of date.

    Call this once, at the end of a page on which nothing else polls.
    """
    page = current_session().page
    is_waiting = page.awaited_jobs or page.missing_parts
    seconds = _SECONDS_WHILE_WAITING if is_waiting else _SECONDS_OTHERWISE
    st.fragment(rerun_if_changed, run_every=seconds)()


def rerun_if_changed() -> None:
    """Poll once; call this from a fragment that reruns periodically."""
    page = current_session().page
    if page.missing_parts or _has_outside_changed(page) or _have_jobs_got_on(page):
        st.rerun(scope="app")


def _has_outside_changed(page: PageMemory) -> bool:
    return page.outside_state != listing.current().outside_state(page.network)


def _have_jobs_got_on(page: PageMemory) -> bool:
    jobs = page.awaited_jobs.values()
    return any(_as_shown(job.state()) != shown for job, shown in jobs)
