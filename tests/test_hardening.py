"""What no browser can have the server do."""

import inspect

import pytest
from streamlit import config, net_util
from streamlit.runtime.app_session import AppSession
from streamlit.web.server import server_util

from mnist_app.ui import hardening


@pytest.fixture
def closed(monkeypatch):
    """A function that closes a server at an address; afterwards all is as before."""
    for place, name in ((AppSession, "_handle_clear_cache_request"), (net_util, "get_external_ip")):
        monkeypatch.setattr(place, name, getattr(place, name))
    before = {name: config.get_option(name) for name in ("server.address", "server.allowedHosts")}

    def close(address: str, hosts: tuple[str, ...] = ()) -> list[str]:
        config.set_option("server.address", address)
        config.set_option("server.allowedHosts", list(hosts))
        hardening.close()
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
