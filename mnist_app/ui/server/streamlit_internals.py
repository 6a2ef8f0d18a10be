"""Names of Streamlit that are not its public interface: what the app changes and reads of them.

There is no public way for what is done here. Tried with Streamlit 1.67.0. Where a name is gone the
app works without it, and the tests tell. The queue of reruns is in a module of its own.
"""

from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle

import streamlit as st
from streamlit import net_util, runtime
from streamlit.runtime import app_session, uploaded_file_manager


def install() -> None:
    """Change what a browser could otherwise do to all sessions. Cheap to repeat."""
    _ignore_requests_to_clear_the_cache()
    _ask_nobody_for_the_own_address()


def _ignore_requests_to_clear_the_cache() -> None:
    """A message that any browser can send makes Streamlit forget what all sessions share.

    Every session's networks would have to be loaded again, and the teacher's door would forget who
    guesses. No option turns it off: `client.toolbarMode` only hides the menu that sends it.
    """
    session = getattr(app_session, "AppSession", None)
    if session is not None and hasattr(session, "_handle_clear_cache_request"):
        session._handle_clear_cache_request = _do_nothing


def _do_nothing(_session: object) -> None:
    pass


def _ask_nobody_for_the_own_address() -> None:
    """For a page from elsewhere Streamlit asks the internet for this machine's address.

    It does so in the event loop, in which all sessions wait meanwhile, and nothing here depends on
    the answer. Reported as https://github.com/streamlit/streamlit/issues/7721.
    """
    if hasattr(net_util, "get_external_ip"):
        net_util.get_external_ip = _unknown


def _unknown() -> None:
    return None


# Uploads. Streamlit limits the size of a file, not that of all files together:
# https://github.com/streamlit/streamlit/issues/3401, 9218.


def held_uploads() -> dict[str, dict[str, int]]:
    """The bytes of each upload that is held: by session, then by file, oldest first.

    Empty if Streamlit does not tell.
    """
    stored = getattr(_uploads(), "file_storage", None)
    if not isinstance(stored, Mapping):
        return {}
    return {
        session: {name: len(file.data) for name, file in list(files.items())}
        for session, files in list(stored.items())
    }


def drop_upload(session: str, file: str) -> None:
    """Forget an upload; the page that chose it finds it gone."""
    if remove := getattr(_uploads(), "remove_file", None):
        remove(session, file)


def _uploads() -> object:
    return getattr(runtime.get_instance(), "uploaded_file_mgr", None) if runtime.exists() else None


def is_dropped_upload(file: object) -> bool:
    """Whether an uploader's state lists a file that the server no longer holds."""
    kind = getattr(uploaded_file_manager, "DeletedFile", None)
    return kind is not None and isinstance(file, kind)


# The cookie against forged requests: nothing else is the same in all pages of a browser.


def cookie_mark() -> bytes:
    """What the cookie of this page's browser holds; empty if there is none."""
    return _unmasked(st.context.cookies.get("_streamlit_xsrf"))


def _unmasked(cookie: object) -> bytes:
    """What Streamlit's cookie holds, "2|mask|masked|time", which each page gets under a new mask.

    Empty where it is none.
    """
    parts = cookie.strip("\"'").split("|") if isinstance(cookie, str) else []
    if len(parts) != 4:
        return b""
    with suppress(ValueError):
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        return bytes(one ^ other for one, other in zip(masked, cycle(mask), strict=False))
    return b""
