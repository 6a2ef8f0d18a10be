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
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

_MENDED, _WAITING = "_digits_mended", "_digits_waiting"  # names that Streamlit does not have
Request = Callable[[AppSession, ClientState | None], None]


def mend() -> None:
    """Make all sessions of this server wait, once."""
    if not hasattr(AppSession, _MENDED):
        AppSession.request_rerun = _in_line(AppSession.request_rerun)
        setattr(AppSession, _MENDED, True)


def _in_line(request_rerun: Request) -> Request:
    def pass_on(session: AppSession, client_state: ClientState | None) -> None:
        setattr(session, _WAITING, getattr(session, _WAITING) - 1)
        request_rerun(session, client_state)

    @wraps(request_rerun)
    def request(session: AppSession, client_state: ClientState | None) -> None:
        waiting = getattr(session, _WAITING, 0)  # requests, which no later one overtakes
        is_part = bool(client_state and client_state.fragment_id)
        if waiting or (is_part and _has_just_ended(session)):
            setattr(session, _WAITING, waiting + 1)
            session._event_loop.call_soon_threadsafe(pass_on, session, client_state)
        else:
            request_rerun(session, client_state)

    return request


def _has_just_ended(session: AppSession) -> bool:
    """Whether the session's run takes no more requests; all its messages are in the loop then.

    These names are Streamlit's own: where they are gone, nothing waits.
    """
    requests = getattr(getattr(session, "_scriptrunner", None), "_requests", None)
    return getattr(requests, "_state", None) is ScriptRequestType.STOP
