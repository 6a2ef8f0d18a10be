"""What a server sets up before its first session."""

import asyncio
import webbrowser
from pathlib import Path

import pytest
import streamlit as st
from streamlit.web.server.app_discovery import discover_asgi_app

from mnist_app.common import memory
from mnist_app.ui.server import application, rerun_queue, streamlit_internals

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def started(monkeypatch):
    """A function that starts and stops a server with these options; it returns what was set up."""
    done = []
    for module, name in (
        (memory, "give_back_freed_memory"),
        (rerun_queue, "install"),
        (streamlit_internals, "install"),
    ):
        place = f"{module.__name__.rpartition('.')[2]}.{name}"
        monkeypatch.setattr(module, name, lambda place=place: done.append(place))
    monkeypatch.setattr(webbrowser, "open", done.append)

    def start(**options: object) -> list[str]:
        given = {f"server.{name}": value for name, value in options.items()}
        monkeypatch.setattr(st, "get_option", given.get)

        async def run() -> None:
            async with application.lifespan(None):
                await asyncio.sleep(0.1)

        asyncio.run(run())
        return done

    return start


def test_a_server_is_set_up_once(started):
    assert started(headless=True) == [
        "memory.give_back_freed_memory",
        "rerun_queue.install",
        "streamlit_internals.install",
    ]


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"address": "localhost", "port": 8501}, "http://localhost:8501/"),
        ({"address": "0.0.0.0", "port": 80}, "http://localhost:80/"),
        ({"address": "::1", "port": 1, "sslCertFile": "a"}, "https://[::1]:1/"),
        ({"port": 2, "baseUrlPath": "/digits"}, "http://localhost:2/digits"),
    ],
)
def test_a_browser_is_opened_where_there_is_one(started, options, url):
    assert started(**options, headless=False)[-1] == url


def test_streamlit_finds_the_app_in_the_script():
    found = discover_asgi_app(ROOT / "app.py")
    assert (found.is_asgi_app, found.app_name) == (True, "app")
    assert application.PAGE.is_file()
