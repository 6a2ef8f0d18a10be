"""Run the real app in its own process, drive it in Chromium, and time it."""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from page import App, Stroke  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402
from serve import served  # noqa: E402

from mnist_app.data import training_data  # noqa: E402
from mnist_app.drawing import pen  # noqa: E402
from mnist_app.runs import lifecycle  # noqa: E402
from mnist_app.runs.run import list_runs  # noqa: E402

PAUSE = 300  # ms between two strokes, so that the page is idle when the next one begins
POINTS = 12  # per stroke, so that drawing one takes a fifth of a second

# Records when the pen was lifted and when the next new answer was painted. The answer includes the
# picture that the network saw, because another stroke may leave a probability of 100.0% unchanged.
PROBE = """() => {
  const text = () => [...document.querySelectorAll(".st-key-probabilities, .st-key-seen")]
    .map((part) => part.textContent + (part.querySelector("img")?.src ?? "")).join();
  window.probe = {up: 0, seen: 0, last: text()};
  document.addEventListener("mouseup", () => { probe.up = performance.now(); }, true);
  new MutationObserver(() => {
    if (text() === probe.last) return;
    probe.last = text();
    requestAnimationFrame(() => { probe.seen = performance.now(); });
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
# Draws all strokes in an instant, with events that the page itself dispatches.
SKETCH = """(canvas, strokes) => {
  const box = canvas.getBoundingClientRect();
  const send = (name, [x, y], buttons) => {
    const facts = {clientX: box.x + x, clientY: box.y + y, buttons, bubbles: true, composed: true,
      cancelable: true, view: window};
    canvas.dispatchEvent(new PointerEvent("pointer" + name, {...facts, isPrimary: true}));
    canvas.dispatchEvent(new MouseEvent("mouse" + name, facts));
  };
  for (const stroke of strokes) {
    send("down", stroke[0], 1);
    for (const point of stroke) send("move", point, 1);
    send("up", stroke.at(-1), 0);
  }
}"""
ANSWERED = "() => probe.seen > probe.up && probe.up > 0"

# Records when the canvas first appears on the page, in seconds since the page was requested.
NOTE_CANVAS = """
  const look = () => {
    const parts = [...document.querySelectorAll(".st-key-canvas *")];
    if (parts.some((part) => part.shadowRoot?.querySelector("canvas")?.offsetHeight))
      requestAnimationFrame(() => { window.canvasSeen = performance.now() / 1000; });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);"""
CANVAS_SEEN = """() => new Promise((resolve) => {
  const look = () => window.canvasSeen ? resolve(canvasSeen) : requestAnimationFrame(look);
  look();
})"""

Drawing = list[Stroke]

# A 4 and a 7, in case there are no real pen strokes.
MADE_UP = (
    [np.array([(60, 0), (0, 60), (80, 60)]), np.array([(55, 30), (55, 100)])],
    [np.array([(0, 0), (60, 0), (25, 100)])],
)


@contextmanager
def serving(
    script: Path = ROOT / "app.py", **variables: str
) -> Iterator[tuple[str, Path, psutil.Process]]:
    """Run the app in its own process; yield its address, its weights folder and the process.

    The variables are added to the server's environment.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        before = {child.pid for child in psutil.Process().children()}
        with served(Path(folder), script, variables) as (url, weights):
            (server,) = (
                child
                for child in psutil.Process().children()
                if child.pid not in before and "streamlit" in " ".join(child.cmdline())
            )
            own = os.environ.get("MNIST_APP_WEIGHTS")
            os.environ["MNIST_APP_WEIGHTS"] = str(weights)  # runs started here are the app's
            try:
                yield url, weights, server
            finally:
                _end_runs()
                os.environ.pop("MNIST_APP_WEIGHTS")
                if own is not None:
                    os.environ["MNIST_APP_WEIGHTS"] = own


def _end_runs() -> None:
    for run in list_runs():
        if run.is_live:
            lifecycle.stop(run)
    until(lambda: not any(run.is_live for run in list_runs()), "end")


@contextmanager
def opened(
    browser: Browser, url: str, weights: Path, watch: Callable[[Page], None] | None = None
) -> Iterator[App]:
    """Open a page with the app on it, in its own browser context.

    Args:
        browser: the browser to open it in.
        url: the app's address.
        weights: the app's weights folder.
        watch: called with the page while it is still empty.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.add_init_script(NOTE_CANVAS)
    page = context.new_page()
    if watch:
        watch(page)
    yield App(page, url, weights).open()
    context.close()


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a run to begin or to end."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"A training did not {what} in two minutes.")
        time.sleep(0.1)


def quantiles(values: list[float]) -> dict[str, float]:
    """Return median and 95th percentile, in the unit of the values, and n."""
    middle, late = np.quantile(values, [0.5, 0.95])
    return {"p50": round(float(middle), 4), "p95": round(float(late), 4), "n": len(values)}


# Drawing


def drawings(length: int, seed: int = 0) -> Iterator[Drawing]:
    """Yield numbers of `length` digits, from real pen strokes if the data folder has any."""
    random = np.random.default_rng(seed)
    digits = [digit.strokes for digit in training_data.load_pen_digits()] or MADE_UP
    while True:
        chosen = [digits[i] for i in random.integers(len(digits), size=length)]
        gaps, heights = np.full(length, 0.25), np.ones(length)
        strokes = pen.placed(pen.in_a_row(chosen, gaps, heights), size=random.uniform(0.5, 0.8))
        yield [[tuple(point) for point in _thinned(stroke).tolist()] for stroke in strokes]


def _thinned(stroke: np.ndarray) -> np.ndarray:
    places = np.linspace(0, len(stroke) - 1, min(len(stroke), POINTS)).round().astype(int)
    return stroke[places]


def strokes(
    app: App,
    count: int,
    shapes: Iterator[Drawing],
    meter: Callable[[], np.ndarray] = lambda: np.zeros(1),
) -> tuple[list[float], np.ndarray]:
    """Draw stroke by stroke, each drawing on a cleared canvas.

    Returns:
        (milliseconds from lifting the pen to each answer; the meter's mean increase per stroke).
    """
    times: list[float] = []
    counted = 0 * meter()
    app.page.evaluate(PROBE)
    while len(times) < count:
        clear(app)
        app.page.wait_for_timeout(PAUSE)
        for stroke in next(shapes)[: count - len(times)]:
            before = meter()
            app.draw([stroke], step=math.inf)
            app.page.wait_for_function(ANSWERED)
            times.append(app.page.evaluate("() => probe.seen - probe.up"))
            app.page.wait_for_timeout(PAUSE)
            counted = counted + meter() - before
    return times, counted / count


def sketch(app: App, drawing: Drawing) -> None:
    """Draw in an instant, without the mouse."""
    app.part("canvas").locator("canvas").last.evaluate(SKETCH, drawing)


def clear(app: App) -> None:
    """Empty the canvas, if anything is on it."""
    button = app.part("clear").locator("button")
    if button.is_enabled():
        button.click()
        app.expect_prediction("")
