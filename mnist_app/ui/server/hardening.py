"""What Streamlit lets any browser do to all, and this app does not."""

from functools import wraps
from inspect import unwrap

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit import config, net_util
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from mnist_app.common import network_address

MOST_HELD = 300_000_000  # bytes, of the uploads of one session
MOST_HELD_FOR_ALL = 1_000_000_000  # bytes
_add_file = unwrap(MemoryUploadedFileManager.add_file)
_HOSTS = ["localhost", "127.0.0.1", "::1"]


def harden() -> None:
    """Close it on this server; cheap to repeat.

    A browser may not clear what all sessions share, nor have the server ask the internet for its
    own address, nor fill its memory with uploads, which need no control of the page. A server for
    this machine alone runs pages under its names alone, so that one from elsewhere whose name was
    turned to this machine finds nothing; the option server.allowedHosts goes first.
    """
    AppSession._handle_clear_cache_request = _refuse
    net_util.get_external_ip = _unknown
    MemoryUploadedFileManager.add_file = _add_if_there_is_room
    is_for_others = network_address.is_reached_by_others(st.get_option("server.address"))
    if not is_for_others and not st.get_option("server.allowedHosts"):
        config.set_option("server.allowedHosts", _HOSTS)


def _refuse(_session: AppSession) -> None:
    """Every session's networks would have to be loaded again."""


def _unknown() -> None:
    """Nothing depends on it."""


@wraps(_add_file)
def _add_if_there_is_room(
    uploads: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec
) -> None:
    """Beyond the session's share its oldest files go; where a page lists them, it says so."""
    before = uploads.file_storage.get(session_id, {})
    kept = {name: one for name, one in list(before.items()) if name != file.file_id}
    while kept and _bytes(kept) + len(file.data) > MOST_HELD:
        del kept[next(iter(kept))]
    others = [files for name, files in list(uploads.file_storage.items()) if name != session_id]
    if sum(map(_bytes, [kept, *others])) + len(file.data) > MOST_HELD_FOR_ALL:
        raise HTTPException(413, "Too much is uploaded already")
    for name in list(before.keys() - kept.keys()):
        uploads.remove_file(session_id, name)
    _add_file(uploads, session_id, file)


def _bytes(files: dict[str, UploadedFileRec]) -> int:
    return sum(len(file.data) for file in list(files.values()))
