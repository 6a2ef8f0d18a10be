"""What a run has sent arrives, though another part of the page is asked for just then.

Streamlit passes on what a run sends by callbacks on its event loop, and drops what comes from a run
that another took the place of. A part of the page that is asked for in the moment when a run has
ended, but its last messages still wait in that loop, takes its place at once: on a busy server a
look for news makes the answer to a stroke disappear. Here such a request waits in the same line.

Streamlit's own comment in `AppSession.request_rerun` describes the race, and names
https://github.com/streamlit/streamlit/issues/9921. Tried with Streamlit 1.67.0; there is no public
way. The names used are `AppSession.request_rerun`, `_create_scriptrunner`, `_scriptrunner` and
`_event_loop`: where one is gone, nothing waits, and the tests tell.
"""

from collections import deque
from collections.abc import Callable
from functools import wraps

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

_ASK, _CREATE = "request_rerun", "_create_scriptrunner"
_LINE = "_digits_line"  # a name that Streamlit does not have
Request = Callable[[AppSession, ClientState | None], None]
Create = Callable[[AppSession, RerunData], None]


class _EndedError(Exception):
    """The session's run takes no more requests; all its messages are in the loop."""


def install() -> None:
    """Make all sessions of this server wait, once."""
    needed = _ASK, _CREATE
    if all(hasattr(AppSession, name) for name in needed) and not hasattr(AppSession, _LINE):
        setattr(AppSession, _LINE, ())  # requests of a session, in the order in which they came
        setattr(AppSession, _CREATE, _in_no_place(AppSession._create_scriptrunner))
        setattr(AppSession, _ASK, _in_line(AppSession.request_rerun))


def _in_no_place(create: Create) -> Create:
    """Refuse to take the place of a run; only it itself can tell whether it has ended."""

    @wraps(create)
    def create_if_free(session: AppSession, data: RerunData) -> None:
        has_run = getattr(session, "_scriptrunner", None) is not None
        if has_run and hasattr(session, "_event_loop"):
            raise _EndedError
        create(session, data)

    return create_if_free


def _in_line(ask: Request) -> Request:
    """Have requests wait in the order in which they came."""

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
    """See to the line once what is in the session's event loop by now has been done."""
    session._event_loop.call_soon_threadsafe(_next_one, ask, session, ended)


def _next_one(ask: Request, session: AppSession, ended: ScriptRunner | None) -> None:
    """Ask for the first in line, which no later one overtakes, and see to the others."""
    if session._scriptrunner is ended:
        session._scriptrunner = None  # all that it sent has arrived
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
