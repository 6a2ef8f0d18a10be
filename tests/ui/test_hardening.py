"""What no browser can have the server do."""

import inspect

import pytest
from starlette.exceptions import HTTPException
from streamlit import config, net_util
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server import server_util

from mnist_app.ui.server import hardening


@pytest.fixture
def closed(monkeypatch):
    """A function that closes a server at an address; afterwards all is as before."""
    for place, name in (
        (AppSession, "_handle_clear_cache_request"),
        (net_util, "get_external_ip"),
        (MemoryUploadedFileManager, "add_file"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    before = {name: config.get_option(name) for name in ("server.address", "server.allowedHosts")}

    def close(address: str, hosts: tuple[str, ...] = ()) -> list[str]:
        config.set_option("server.address", address)
        config.set_option("server.allowedHosts", list(hosts))
        hardening.harden()
        return config.get_option("server.allowedHosts")

    yield close
    for name, value in before.items():
        config.set_option(name, value)


def test_a_page_from_elsewhere_does_not_make_the_server_ask_the_internet(closed, monkeypatch):
    asked = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *a, **_: asked.append(a))
    assert "net_util.get_external_ip," in inspect.getsource(server_util)
    closed("localhost")
    assert not server_util.is_url_from_allowed_origins("http://elsewhere.example")
    assert not asked


def test_the_message_that_clears_what_all_share_does_nothing(closed):
    assert "self._handle_clear_cache_request()" in inspect.getsource(AppSession.handle_backmsg)
    closed("localhost")
    assert AppSession._handle_clear_cache_request(None) is None  # the real one needs a session


@pytest.mark.parametrize(
    ("address", "hosts", "answered"),
    [
        ("localhost", (), {"localhost", "127.0.0.1", "::1"}),
        ("localhost", ("app.example",), {"app.example"}),
        ("0.0.0.0", (), set()),
    ],
    ids=["here", "behind a proxy", "for others"],
)
def test_a_server_for_this_machine_alone_answers_to_its_names_alone(
    closed, address, hosts, answered
):
    assert set(closed(address, hosts)) == answered


def test_uploads_do_not_fill_the_memory_and_room_that_is_made_is_used(closed, monkeypatch):
    monkeypatch.setattr(hardening, "MOST_HELD", 300)
    monkeypatch.setattr(hardening, "MOST_HELD_FOR_ALL", 500)
    closed("localhost")
    uploads = MemoryUploadedFileManager("")

    def add(session: str, name: str, size: int) -> None:
        uploads.add_file(session, UploadedFileRec(name, name, "image/png", bytes(size)))

    def is_refused(session: str, size: int) -> bool:
        with pytest.raises(HTTPException) as raised:
            add(session, "refused", size)
        return raised.value.status_code == 413

    def held(session: str) -> str:
        files = uploads.get_files(session, list("abcdef"))
        return "".join(file.name for file in files)

    add("one", "a", 200)
    add("one", "a", 150)  # once more, as after a reply that was lost
    add("one", "b", 150)
    assert held("one") == "ab"
    add("one", "c", 100)
    assert held("one") == "bc"  # the oldest went
    add("two", "d", 250)
    assert is_refused("three", 1)  # all together hold what they may
    assert held("three") == ""
    assert is_refused("one", 251)  # although two files of its own would go for it
    assert held("one") == "bc"
    uploads.remove_session_files("two")
    add("three", "e", 250)
    assert (held("one"), held("three")) == ("bc", "e")
