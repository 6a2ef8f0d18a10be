"""The real app, served by a real process, in a real Chromium.

One server serves all tests of a worker (`shared_server`): each test finds the committed weights as
they were, no run, and a browser context of its own. A test that breaks the server, changes it or
needs other environment variables starts one of its own by `serve.served`.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import committed_weights
import pytest
import serve
from page import App
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def shared_server(
    tmp_path_factory: pytest.TempPathFactory, data_at_hand: Path
) -> Iterator[tuple[str, Path]]:
    """The address of the server that serves many tests, and its weights folder."""
    folder = tmp_path_factory.mktemp("app")
    with serve.served(folder, variables={"MNIST_APP_DATA": str(data_at_hand)}) as place:
        yield place


@pytest.fixture
def served(shared_server: tuple[str, Path]) -> Iterator[tuple[str, Path]]:
    """The app's address and weights folder; afterwards, that nothing broke in it."""
    weights = shared_server[1]
    log = weights.parent / "log.txt"
    before = log.stat().st_size
    yield shared_server
    end_runs(weights)
    committed_weights.restore(weights, ".cache")
    said = log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in said, said[-3000:]


def end_runs(weights: Path) -> None:
    """End the runs that a test leaves: the next one need not wait for them."""
    for path in (weights / ".runs").glob("*/process.json"):
        with contextlib.suppress(ProcessLookupError, ValueError, KeyError, OSError):
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)


@pytest.fixture
def app(served: tuple[str, Path], chromium: Browser) -> Iterator[App]:
    """A page for a computer's screen."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield App(context.new_page(), *served)
    context.close()


@pytest.fixture
def phone(served: tuple[str, Path], chromium: Browser) -> Iterator[App]:
    """A page on a phone in portrait."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    yield App(context.new_page(), *served)
    context.close()
