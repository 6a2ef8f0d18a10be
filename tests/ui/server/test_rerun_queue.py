"""The queue of requests behind an ended rerun, even if more reruns end in the meantime."""

import inspect
from collections import deque
from dataclasses import dataclass, field

import pytest
from streamlit.runtime.app_session import AppSession

from mnist_app.ui.server import rerun_queue


class Loop:
    """An event loop that runs one callback each time the test calls `step`."""

    def __init__(self) -> None:
        self.callbacks = deque()

    def call_soon_threadsafe(self, callback, *args) -> None:
        self.callbacks.append((callback, args))

    def step(self) -> None:
        callback, args = self.callbacks.popleft()
        callback(*args)


@dataclass
class Run:
    """A rerun of the script, with the requests that it got."""

    has_ended: bool = False
    asked: list[str] = field(default_factory=list)


class Session:
    """A session like Streamlit's, whose reruns end when the test says so."""

    def __init__(self) -> None:
        self._event_loop, self._digits_line = Loop(), ()
        self._scriptrunner = Run()
        self.runs = [self._scriptrunner]

    def _create_scriptrunner(self, request) -> None:
        if request == "cannot be started":
            raise RuntimeError("can't start new thread")
        self._scriptrunner = Run(asked=[request])
        self.runs.append(self._scriptrunner)

    def request_rerun(self, request) -> None:
        run = self._scriptrunner
        if run is None or run.has_ended:
            self._create_scriptrunner(request)
        else:
            run.asked.append(request)

    @property
    def asked(self) -> list[list[str]]:
        return [run.asked for run in self.runs]


@pytest.fixture
def session(monkeypatch):
    create, request = Session._create_scriptrunner, Session.request_rerun
    monkeypatch.setattr(Session, "_create_scriptrunner", rerun_queue._in_no_place(create))
    monkeypatch.setattr(Session, "request_rerun", rerun_queue._in_line(request))
    return Session()


def test_requests_keep_their_order_though_a_second_run_ends_while_they_wait(session):
    session.runs[0].has_ended = True
    for request in "abc":
        session.request_rerun(request)
    session._event_loop.step()
    session.runs[1].has_ended = True
    session._event_loop.step()
    session._scriptrunner = None  # everything that the second rerun sent has arrived, too
    session.request_rerun("d")
    while session._event_loop.callbacks:
        session._event_loop.step()
    assert session.asked == [[], ["a"], ["b", "c", "d"]]


def test_a_run_that_cannot_be_started_does_not_keep_others_waiting(session):
    session.runs[0].has_ended = True
    session.request_rerun("cannot be started")
    session.request_rerun("a")
    with pytest.raises(RuntimeError):
        session._event_loop.step()
    session._event_loop.step()
    session.request_rerun("b")
    assert session.asked == [[], ["a", "b"]]
    assert not session._event_loop.callbacks


def test_streamlit_has_the_names_that_the_line_needs():
    assert {"request_rerun", "_create_scriptrunner"} <= vars(AppSession).keys()
    source = inspect.getsource(AppSession.__init__)
    assert "self._event_loop = " in source
    assert "self._scriptrunner: " in source


@pytest.mark.parametrize("name", ["request_rerun", "_create_scriptrunner"])
def test_a_streamlit_without_one_of_these_names_is_left_as_it_is(monkeypatch, name):
    monkeypatch.delattr(AppSession, rerun_queue._LINE, raising=False)
    monkeypatch.delattr(AppSession, name)
    before = dict(vars(AppSession))
    rerun_queue.install()
    assert dict(vars(AppSession)) == before


@pytest.mark.parametrize("name", ["_scriptrunner", "_event_loop"])
def test_a_session_without_one_of_these_names_takes_every_request(session, name):
    delattr(session, name)
    session._create_scriptrunner("a")
    assert session.runs[-1].asked == ["a"]
