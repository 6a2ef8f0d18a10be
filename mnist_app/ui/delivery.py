"""What a run has sent arrives, though another part of the page is asked for just then.

Streamlit passes on what a run sends by callbacks on its event loop, and drops what comes from a run
that another took the place of. A part of the page that is asked for in the moment when a run has
ended, but its last messages still wait in that loop, takes its place at once: on a busy server a
look for news makes the answer to a stroke disappear. Here such a request waits in the same line.
"""

from collections.abc import Callable
from functools import wraps

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

_WAITING = "_digits_waiting"  # a name that Streamlit does not have
Request = Callable[[AppSession, ClientState | None], None]
Create = Callable[[AppSession, RerunData], None]


class _EndedError(Exception):
    """The session's run takes no more requests; all its messages are in the loop."""


def mend() -> None:
    """Make all sessions of this server wait, once.

    The names used are Streamlit's own: where they are gone, nothing waits.
    """
    if hasattr(AppSession, "_create_scriptrunner") and not hasattr(AppSession, _WAITING):
        setattr(AppSession, _WAITING, 0)  # requests of a session, which no later one overtakes
        AppSession._create_scriptrunner = _in_no_place(AppSession._create_scriptrunner)
        AppSession.request_rerun = _in_line(AppSession.request_rerun)


def _in_no_place(create: Create) -> Create:
    """Refuse to take the place of a run; only it itself can tell whether it has ended."""

    @wraps(create)
    def create_if_free(session: AppSession, data: RerunData) -> None:
        if session._scriptrunner is not None:
            raise _EndedError
        create(session, data)

    return create_if_free


def _in_line(request_rerun: Request) -> Request:
    def ask(session: AppSession, client_state: ClientState | None) -> None:
        try:
            request_rerun(session, client_state)
        except _EndedError:
            wait(session, client_state, session._scriptrunner)

    def wait(
        session: AppSession, client_state: ClientState | None, ended: ScriptRunner | None
    ) -> None:
        setattr(session, _WAITING, getattr(session, _WAITING) + 1)
        session._event_loop.call_soon_threadsafe(go_on, session, client_state, ended)

    def go_on(
        session: AppSession, client_state: ClientState | None, ended: ScriptRunner | None
    ) -> None:
        setattr(session, _WAITING, getattr(session, _WAITING) - 1)
        if session._scriptrunner is ended:
            session._scriptrunner = None  # all that it sent has arrived
        ask(session, client_state)

    @wraps(request_rerun)
    def request(session: AppSession, client_state: ClientState | None) -> None:
        if getattr(session, _WAITING):
            wait(session, client_state, None)
        else:
            ask(session, client_state)

    return request
