"""The parts of Streamlit's non-public interface that the app changes or reads."""

import inspect

import pytest
from streamlit import net_util, runtime
from streamlit.runtime import app_session, uploaded_file_manager
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server import server_util

from mnist_app.ui.server import streamlit_internals


@pytest.fixture
def _as_before(monkeypatch):
    """Restore Streamlit after the test."""
    for place, name in (
        (AppSession, "_handle_clear_cache_request"),
        (net_util, "get_external_ip"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))


@pytest.fixture
def uploads(monkeypatch) -> MemoryUploadedFileManager:
    """The uploads of a running server."""
    manager = MemoryUploadedFileManager("")

    class Running:
        uploaded_file_mgr = manager

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", Running)
    return manager


@pytest.mark.usefixtures("_as_before")
def test_a_page_from_elsewhere_does_not_make_the_server_ask_the_internet(monkeypatch):
    asked = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *a, **_: asked.append(a))
    assert "net_util.get_external_ip," in inspect.getsource(server_util)
    streamlit_internals.install()
    assert not server_util.is_url_from_allowed_origins("http://elsewhere.example")
    assert not asked


@pytest.mark.usefixtures("_as_before")
def test_the_message_that_clears_what_all_share_does_nothing():
    assert "self._handle_clear_cache_request()" in inspect.getsource(AppSession.handle_backmsg)
    streamlit_internals.install()
    assert AppSession._handle_clear_cache_request(None) is None  # the real one needs a session


def test_uploads_are_counted_and_dropped(uploads):
    for session, name, size in (("one", "a", 3), ("one", "b", 5), ("two", "c", 7)):
        uploads.add_file(session, UploadedFileRec(name, name, "image/png", bytes(size)))
    assert streamlit_internals.held_uploads() == {"one": {"a": 3, "b": 5}, "two": {"c": 7}}
    streamlit_internals.drop_upload("one", "a")
    assert streamlit_internals.held_uploads() == {"one": {"b": 5}, "two": {"c": 7}}


def test_a_dropped_upload_is_told_from_others():
    deleted = uploaded_file_manager.DeletedFile("one")
    assert streamlit_internals.dropped_upload(deleted) == "one"
    assert streamlit_internals.dropped_upload("one") is None
    assert streamlit_internals.dropped_upload(None) is None


def test_a_streamlit_without_these_names_is_left_as_it_is(monkeypatch):
    monkeypatch.delattr(AppSession, "_handle_clear_cache_request")
    monkeypatch.delattr(net_util, "get_external_ip")
    streamlit_internals.install()
    assert not hasattr(AppSession, "_handle_clear_cache_request")
    assert not hasattr(net_util, "get_external_ip")
    monkeypatch.delattr(app_session, "AppSession")
    streamlit_internals.install()
    assert not hasattr(app_session, "AppSession")


def test_a_streamlit_that_does_not_tell_its_uploads_has_none(uploads, monkeypatch):
    monkeypatch.delattr(uploads, "file_storage")
    assert streamlit_internals.held_uploads() == {}
    monkeypatch.delattr(MemoryUploadedFileManager, "remove_file")
    streamlit_internals.drop_upload("one", "a")
    monkeypatch.delattr(uploaded_file_manager, "DeletedFile")
    assert streamlit_internals.dropped_upload(object()) is None
    monkeypatch.setattr(runtime, "get_instance", object)
    assert streamlit_internals.held_uploads() == {}
