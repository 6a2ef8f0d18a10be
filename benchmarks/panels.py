"""The cost of the expanders below the canvas: without them, all closed, and each one open."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import driving  # noqa: E402
from driving import drawings, opened, quantiles, serving  # noqa: E402
from page import App  # noqa: E402

from mnist_app.ui.draw.reasons.panels import TITLES  # noqa: E402

BARE = Path(__file__).with_name("bare_app.py")
FEWER = 10  # with an expander open, this many times fewer strokes are drawn
WITHOUT, CLOSED = "without them", "all closed"


def panels(browser: Browser, strokes: int) -> list[dict[str, Any]]:
    """Measure the milliseconds to an answer and the server's CPU per stroke, for each way.

    The app without the expanders and the app with all of them closed take turns. Neither has
    MNIST: indexing it for the neighbours takes a minute, which would distort all measurements.
    """
    rows = {}
    with (
        serving(BARE, MNIST_APP_DATA="") as (bare_url, bare_weights, bare_server),
        opened(browser, bare_url, bare_weights) as bare,
        serving(MNIST_APP_DATA="") as (url, weights, server),
        opened(browser, url, weights) as app,
    ):
        for page, process in ((bare, bare_server), (app, server)):
            page.part("network").wait_for()
            driving.strokes(page, 3, drawings(1), lambda p=process: cpu_seconds(p))
        found = {WITHOUT: ([], []), CLOSED: ([], [])}
        for seed in range(2):
            for way, page, process in ((WITHOUT, bare, bare_server), (CLOSED, app, server)):
                _drawn(found[way], page, process, -(-strokes // 2), seed)
        rows |= found
        for name in TITLES:
            _open(app, name)
            if name == "neighbours":
                app.part("neighbours_shown").wait_for()
            rows[name] = [], []
            _drawn(rows[name], app, server, max(1, strokes // FEWER), 2)
            app.panel(f"reasons_{name}", is_open=False)
    return [
        {"way": TITLES.get(way, way), "ms": quantiles(times), "cpu_ms": 1000 * float(np.mean(cpu))}
        for way, (times, cpu) in rows.items()
    ]


def _drawn(
    into: tuple[list[float], list[float]], app: App, server: psutil.Process, count: int, seed: int
) -> None:
    times, cpu = driving.strokes(app, count, drawings(1, seed), lambda: cpu_seconds(server))
    into[0].extend(times)
    into[1].append(float(cpu[0]))


def _open(app: App, name: str) -> None:
    """Open an expander, and wait until it has loaded and computed what it shows."""
    app.panel(f"reasons_{name}")
    app.page.wait_for_timeout(1000)


def cpu_seconds(server: psutil.Process) -> np.ndarray:
    """Return the server's CPU time so far in seconds, (1,)."""
    return np.array([sum(server.cpu_times()[:2])])
