"""The names outside Streamlit's public interface that the app changes or reads.

There is no public way to do any of this. Tested with Streamlit 1.67.0. If a name is gone, the app
works without it, and the tests fail. The queue of reruns has its own module.
"""

from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle

import streamlit as st
from streamlit import net_util, runtime
from streamlit.runtime import app_session, uploaded_file_manager


def install() -> None:
    """Prevent one browser from harming all sessions. Cheap to repeat."""
    _ignore_requests_to_clear_the_cache()
    _ask_nobody_for_the_own_address()


def _ignore_requests_to_clear_the_cache() -> None:
    """Ignore the message that makes Streamlit clear its caches, which all sessions share.

    Any browser can send it. Every session's networks would then have to be loaded again. No option
    turns it off: `client.toolbarMode` only hides the menu that sends it.
    """
    session = getattr(app_session, "AppSession", None)
    if session is not None and hasattr(session, "_handle_clear_cache_request"):
        session._handle_clear_cache_request = _do_nothing


def _do_nothing(_session: object) -> None:
    pass


def _ask_nobody_for_the_own_address() -> None:
    """Keep Streamlit from asking the internet for this machine's address.

    It does so for a page from another origin. It asks in the event loop, so all sessions wait
    meanwhile, and nothing here depends on the answer. Reported as
    https://github.com/streamlit/streamlit/issues/7721.
    """
    if hasattr(net_util, "get_external_ip"):
        net_util.get_external_ip = _unknown


def _unknown() -> None:
    return None


# Uploads. Streamlit limits the size of each file, but not of all files together:
# https://github.com/streamlit/streamlit/issues/3401, 9218.


def held_uploads() -> dict[str, dict[str, int]]:
    """Return the bytes of each upload on the server, by session, then by file, oldest first.

    Empty if Streamlit does not reveal them.
    """
    stored = getattr(_uploads(), "file_storage", None)
    if not isinstance(stored, Mapping):
        return {}
    return {
        session: {name: len(file.data) for name, file in list(files.items())}
        for session, files in list(stored.items())
    }


def drop_upload(session: str, file: str) -> None:
    """Drop an upload; the page that chose it then finds it gone."""
    if remove := getattr(_uploads(), "remove_file", None):
        remove(session, file)


def _uploads() -> object:
    return getattr(runtime.get_instance(), "uploaded_file_mgr", None) if runtime.exists() else None


def dropped_upload(file: object) -> str | None:
    """Return the id of a file in an uploader's state that is not on the server; None if it is."""
    kind = getattr(uploaded_file_manager, "DeletedFile", None)
    return file.file_id if kind is not None and isinstance(file, kind) else None


# The cookie against forged requests. Nothing else is the same on all pages of a browser.


def cookie_mark() -> bytes:
    """Return the content of this browser's cookie; empty if there isn't one."""
    return _unmasked(st.context.cookies.get("_streamlit_xsrf"))


def _unmasked(cookie: object) -> bytes:
    """Return the unmasked content of Streamlit's cookie, "2|mask|masked|time".

    Each page gets it with a new mask. Empty if `cookie` is not such a cookie.
    """
    parts = cookie.strip("\"'").split("|") if isinstance(cookie, str) else []
    if len(parts) != 4:
        return b""
    with suppress(ValueError):
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        return bytes(one ^ other for one, other in zip(masked, cycle(mask), strict=False))
    return b""
