"""Keep the last messages of a script run from being lost when a fragment is requested as it ends.

Streamlit forwards a script run's messages through callbacks on its event loop. It drops messages
from a run that another run has replaced. A run may have ended while its last messages still wait in
the loop. If a fragment is requested at that moment, its run replaces the first one immediately, and
those messages are lost. On a busy server, a poll can make the answer to a stroke disappear this
way. Here such a request waits in the same event loop, behind the messages.

Streamlit's own comment in `AppSession.request_rerun` describes the race, and names
https://github.com/streamlit/streamlit/issues/9921. There is no public way to avoid it. Tested with
Streamlit 1.67.0. The names used are `AppSession.request_rerun`, `_create_scriptrunner`,
`_scriptrunner` and `_event_loop`. If one of them is gone, no request waits, and the tests fail.
"""

from collections import deque
from collections.abc import Callable
from functools import wraps

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

_ASK, _CREATE = "request_rerun", "_create_scriptrunner"
_LINE = "_digits_line"  # a name that Streamlit does not use
Request = Callable[[AppSession, ClientState | None], None]
Create = Callable[[AppSession, RerunData], None]


class _EndedError(Exception):
    """The session's script run takes no more requests, and all its messages are in the loop."""


def install() -> None:
    """Install the queue for all sessions of this server; only the first call has an effect."""
    needed = _ASK, _CREATE
    if all(hasattr(AppSession, name) for name in needed) and not hasattr(AppSession, _LINE):
        setattr(AppSession, _LINE, ())  # a session's waiting requests, oldest first
        setattr(AppSession, _CREATE, _in_no_place(AppSession._create_scriptrunner))
        setattr(AppSession, _ASK, _in_line(AppSession.request_rerun))


def _in_no_place(create: Create) -> Create:
    """Refuse to replace a script run.

    Streamlit tries this only after that run has refused the request, which means it has ended.
    """

    @wraps(create)
    def create_if_free(session: AppSession, data: RerunData) -> None:
        has_run = getattr(session, "_scriptrunner", None) is not None
        if has_run and hasattr(session, "_event_loop"):
            raise _EndedError
        create(session, data)

    return create_if_free


def _in_line(ask: Request) -> Request:
    """Make requests wait in the order in which they arrived."""

    @wraps(ask)
    def request(session: AppSession, client_state: ClientState | None) -> None:
        if getattr(session, _LINE):
            getattr(session, _LINE).append(client_state)
            return
        try:
            ask(session, client_state)
        except _EndedError:
            setattr(session, _LINE, deque([client_state]))
            _come_back(ask, session, session._scriptrunner)

    return request


def _come_back(ask: Request, session: AppSession, ended: ScriptRunner | None) -> None:
    """Return to the queue once everything that is already in the session's event loop is done."""
    session._event_loop.call_soon_threadsafe(_next_one, ask, session, ended)


def _next_one(ask: Request, session: AppSession, ended: ScriptRunner | None) -> None:
    """Make the first request in the queue, which none may overtake, and schedule the others."""
    if session._scriptrunner is ended:
        session._scriptrunner = None  # all its messages have arrived
    line, ended = getattr(session, _LINE), None
    client_state = line.popleft()
    try:
        ask(session, client_state)
    except _EndedError:
        line.appendleft(client_state)
        ended = session._scriptrunner
    finally:
        if line:
            _come_back(ask, session, ended)
