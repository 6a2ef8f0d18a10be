"""The real app, served by a real process, in a real Chromium."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import serve
from chromium import installed
from page import App
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The app's address and weights folder; afterwards, that nothing broke in it."""
    folder = tmp_path_factory.mktemp("app")
    with serve.served(folder) as place:
        yield place
    text = (folder / "log.txt").read_text()
    assert "Traceback" not in text, text[-3000:]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def no_run_is_left(served: tuple[str, Path]) -> Iterator[None]:
    """End the runs that a test leaves: the next one need not wait for them."""
    yield
    for path in (served[1] / ".runs").glob("*/process.json"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)
    shutil.rmtree(served[1] / ".runs", ignore_errors=True)


@pytest.fixture
def app(served: tuple[str, Path], chromium: Browser) -> Iterator[App]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield App(page, *served)
    page.close()


@pytest.fixture
def phone(served: tuple[str, Path], chromium: Browser) -> Iterator[App]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    yield App(context.new_page(), *served)
    context.close()
