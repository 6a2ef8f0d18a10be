"""What makes the page rerun: progress of a job, an outdated part, changes made by others."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_app.common.errors import InputError
from mnist_app.runs.jobs import State
from mnist_app.ui import polling
from mnist_app.ui.session import PageMemory, Session


class Job:
    """A job whose state the test sets."""

    path = Path("job.safetensors")

    def __init__(self) -> None:
        self.now, self.problem = State(text="working", share=0.5), None

    def result(self) -> None:
        return None

    def start(self) -> None:
        if self.problem:
            raise InputError(self.problem)

    def state(self) -> State:
        return self.now


class Streamlit:
    """A stand-in for Streamlit that records what is drawn and counts reruns of the whole page."""

    def __init__(self) -> None:
        self.reruns, self.shown = 0, []

    def rerun(self, scope: str) -> None:
        if scope == "fragment":
            raise polling.StreamlitAPIException("not in a fragment")
        self.reruns += 1

    def progress(self, _share: float, text: str) -> None:
        self.shown.append(text)

    def error(self, text: str) -> None:
        self.shown.append(text)

    def button(self, label: str, **_options: object) -> None:
        self.shown.append(label)


@pytest.fixture
def outside() -> list[str]:
    return ["lenet5"]


@pytest.fixture
def page(monkeypatch, outside) -> PageMemory:
    session = Session()
    session.page.outside_state = tuple(outside)
    there = SimpleNamespace(outside_state=lambda _network: tuple(outside))
    monkeypatch.setattr(polling, "current_session", lambda: session)
    monkeypatch.setattr(polling.listing, "current", lambda: there)
    return session.page


@pytest.fixture
def st(monkeypatch) -> Streamlit:
    made = Streamlit()
    monkeypatch.setattr(polling, "st", made)
    return made


def reruns(st: Streamlit) -> int:
    """Poll once, and return how often the page is rerun."""
    st.reruns = 0
    polling.rerun_if_changed()
    return st.reruns


def test_nothing_happens_while_the_page_shows_what_there_is(page, st):
    assert reruns(st) == 0


def test_what_others_change_is_shown(page, st, outside):
    outside.append("mlp-300")
    assert reruns(st) == 1


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (State(text="working", share=0.501), 0),
        (State(text="working", share=0.52), 1),
        (State(text="nearly done", share=0.5), 1),
        (State(is_done=True), 1),
        (State(text="working", share=0.5, problem="It broke."), 1),
    ],
)
def test_a_job_that_gets_on_is_shown(page, st, now, count):
    job = Job()
    assert polling.result_or_progress(job, "again") is None
    assert st.shown == ["working …"]
    assert reruns(st) == 0
    job.now = now
    assert reruns(st) == count


def test_a_job_that_failed_can_be_tried_again(page, st):
    job = Job()
    job.now = State(problem="It broke.")
    polling.result_or_progress(job, "again")
    assert st.shown == ["It broke.", "Try again"]


def test_a_job_that_cannot_be_started_is_told_and_not_waited_for(page, st):
    job = Job()
    job.problem = "The folder is gone."
    assert polling.result_or_progress(job, "again") is None
    assert st.shown == ["The folder is gone."]
    assert not page.awaited_jobs


def test_a_part_that_is_out_of_date_is_drawn_unless_it_was_meanwhile(page, st):
    polling.await_part("sidebar")
    assert reruns(st) == 1
    polling.part_rendered("sidebar")
    assert reruns(st) == 0


def test_what_cannot_run_itself_again_has_the_page_run(page, st):
    polling.rerun_soon()
    assert reruns(st) == 1
    page.begin_run()
    assert reruns(st) == 0
