"""The real app, served by a real process and opened in a real Chromium.

All tests of a worker share one server (`shared_server`). Each test starts with the committed
weights, no runs, and a browser without leftovers (`Seat`). A test that breaks the server, changes
it, or needs other environment variables starts its own server with `serve.served`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serve
from page import App
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError


@pytest.fixture(scope="session")
def shared_server(
    tmp_path_factory: pytest.TempPathFactory, data_at_hand: Path
) -> Iterator[tuple[str, Path]]:
    """The address and the weights folder of the server that many tests share."""
    folder = tmp_path_factory.mktemp("app")
    with serve.served(folder, variables={"MNIST_APP_DATA": str(data_at_hand)}) as place:
        yield place


@pytest.fixture
def served(shared_server: tuple[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield the app's address and weights folder, then check that it logged nothing bad.

    That is a traceback, or Streamlit's warning about a widget with a default and a set value.
    """
    weights = shared_server[1]
    log = weights.parent / "log.txt"
    before = log.stat().st_size
    yield shared_server
    serve.clean(weights)
    said = log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in said, said[-3000:]
    assert "Session State API" not in said, said[-3000:]


class Seat:
    """A browser that several tests use, one after the other.

    A browser that has loaded the app before opens it in half the time. `wipe` removes whatever a
    test leaves behind, except a page's scripts, routes and listeners: tests that add those use the
    fixtures whose names begin with `fresh_`.
    """

    def __init__(self, chromium: Browser, **options: Any) -> None:
        self._chromium, self._options = chromium, options
        self._context: BrowserContext | None = None
        self._page: Page | None = None

    def page(self) -> Page:
        """Return an empty page, the same one for each test."""
        if self._page is None:
            self._page = self.new_page()
        return self._page

    def new_page(self) -> Page:
        """Open an empty page, which `wipe` closes after the test."""
        if self._context is None:
            self._context = self._chromium.new_context(**self._options)
        return self._context.new_page()

    def wipe(self, page: Page) -> None:
        """Clear the page's address, cookies and storage; close it unless it is the shared one."""
        try:
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.context.clear_cookies()
            if page is self._page:
                page.goto("about:blank")
            else:
                page.close()
        except PlaywrightError:  # the page crashed, or a test closed it
            self.close()

    def close(self) -> None:
        """Close the browser's windows; the next page opens in a new one."""
        if self._context is not None:
            self._context.close()
        self._context = self._page = None


COMPUTER = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def computer(chromium: Browser) -> Iterator[Seat]:
    """A computer's browser."""
    seat = Seat(chromium, **COMPUTER)
    yield seat
    seat.close()


@pytest.fixture(scope="module")
def another_computer(chromium: Browser) -> Iterator[Seat]:
    """A second computer's browser, with its own cookies."""
    seat = Seat(chromium, **COMPUTER)
    yield seat
    seat.close()


@pytest.fixture(scope="module")
def telephone(chromium: Browser) -> Iterator[Seat]:
    """A phone's browser, in portrait."""
    seat = Seat(chromium, **PHONE)
    yield seat
    seat.close()


@pytest.fixture
def app(served: tuple[str, Path], computer: Seat) -> Iterator[App]:
    """The app on a computer's screen."""
    page = computer.page()
    yield App(page, *served)
    computer.wipe(page)


@pytest.fixture
def phone(served: tuple[str, Path], telephone: Seat) -> Iterator[App]:
    """The app on a phone in portrait."""
    page = telephone.page()
    yield App(page, *served)
    telephone.wipe(page)


@pytest.fixture
def fresh_app(served: tuple[str, Path], computer: Seat) -> Iterator[App]:
    """The app on a computer's screen, on a page that the test may change."""
    page = computer.new_page()
    yield App(page, *served)
    computer.wipe(page)


@pytest.fixture
def fresh_phone(served: tuple[str, Path], telephone: Seat) -> Iterator[App]:
    """The app on a phone in portrait, on a page that the test may change."""
    page = telephone.new_page()
    yield App(page, *served)
    telephone.wipe(page)
