"""How quickly the real app answers, in Chromium: python benchmarks/app.py [PART ...].

Parts: start (to a canvas that can be drawn on), answer (from lifting the pen to new probabilities,
alone and while a training runs), pages (another network, another tab), traffic (bytes per stroke
and while a training is followed), memory (over many strokes and many runs); without any, all.
Writes app.json into docs/.
"""

import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from chromium import installed  # noqa: E402
from page import App  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from serve import served  # noqa: E402

from mnist_app import machine, runs  # noqa: E402
from mnist_app.recipes import RECIPES  # noqa: E402
from mnist_app.settings import write_text  # noqa: E402

PARTS = ("start", "answer", "pages", "traffic", "memory")
NETWORKS = "canvas", "resnet", "lenet5", "mlp-300"
PAUSE = 300  # ms between two strokes; the page is at rest when the next one begins

# Notes when the pen was lifted and when the answer was next painted anew: the probabilities, or
# the picture that the network saw, as another stroke may leave 100.0% what it was.
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
ANSWERED = "() => probe.seen > probe.up && probe.up > 0"


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--answers", default=100, show_default=True, help="Strokes, alone and in training.")
@click.option("--starts", default=5, show_default=True, help="Of the server, and of each page.")
@click.option("--strokes", default=2000, show_default=True, help="Of the part memory.")
@click.option("--runs", "trainings", default=50, show_default=True, help="Of the part memory.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(
    parts: tuple[str, ...], answers: int, starts: int, strokes: int, trainings: int, output: Path
) -> None:
    """Measure the app."""
    path = output / "app.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    result["machine"] = machine.facts()
    measures: dict[str, Callable[[Browser], dict[str, Any]]] = {
        "start": lambda browser: start(browser, starts),
        "answer": lambda browser: answer(browser, answers),
        "pages": lambda browser: pages(browser, starts),
        "traffic": lambda browser: traffic(browser, min(answers, 40)),
        "memory": lambda browser: memory(browser, strokes, trainings),
    }
    with sync_playwright() as playwright:
        options = {"executable_path": installed(), "args": ["--no-sandbox", "--disable-gpu"]}
        browser = playwright.chromium.launch(**options)
        for part in parts or PARTS:
            result[part] = measures[part](browser)
            print(f"{part}: {json.dumps(result[part])}", flush=True)
        browser.close()
    output.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(result, indent=1) + "\n")


@contextmanager
def serving() -> Iterator[tuple[str, Path, psutil.Process]]:
    """The app in a process of its own: its address, its weights folder, the process."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        before = {child.pid for child in psutil.Process().children()}
        with served(Path(folder)) as (url, weights):
            (server,) = (
                child
                for child in psutil.Process().children()
                if child.pid not in before and "streamlit" in " ".join(child.cmdline())
            )
            own = os.environ.get("MNIST_APP_WEIGHTS")
            os.environ["MNIST_APP_WEIGHTS"] = str(weights)  # the runs started here are the app's
            try:
                yield url, weights, server
            finally:
                _end_runs()
                os.environ.pop("MNIST_APP_WEIGHTS")
                if own is not None:
                    os.environ["MNIST_APP_WEIGHTS"] = own


def _end_runs() -> None:
    for run in runs.list_runs():
        if run.is_live:
            runs.stop(run)
    _until(lambda: not any(run.is_live for run in runs.list_runs()), "end")


@contextmanager
def opened(browser: Browser, url: str, weights: Path, query: str = "") -> Iterator[App]:
    """A page with the app on it, in a browser context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield App(context.new_page(), url, weights).open(query)
    context.close()


def quantiles(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in the unit of the values, and n."""
    middle, late = np.quantile(values, [0.5, 0.95])
    return {"p50": round(float(middle), 4), "p95": round(float(late), 4), "n": len(values)}


# Start


def start(browser: Browser, count: int) -> dict[str, Any]:
    """Seconds from the command to a canvas, and from a second browser's click to its own."""
    cold, second = [], []
    for _ in range(count):
        begin = time.perf_counter()
        with serving() as (url, weights, _), opened(browser, url, weights):
            cold.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            with opened(browser, url, weights):
                second.append(time.perf_counter() - begin)
    return {"cold_s": quantiles(cold), "second_browser_s": quantiles(second)}


# Answers


def answer(browser: Browser, count: int) -> dict[str, Any]:
    """Milliseconds from lifting the pen to new probabilities on the page, and the server's CPU."""
    with serving() as (url, weights, server), opened(browser, url, weights) as app:
        _strokes(app, 5)
        alone, cpu = _strokes(app, count, lambda: np.array([sum(server.cpu_times()[:2])]))
        run = runs.start(RECIPES["cnn-2x32"].changed(epochs=1000), "beside")
        _until(lambda: runs.find(run.id).log.batch, "begin")
        beside, _ = _strokes(app, count)
    return {
        "alone_ms": quantiles(alone),
        "beside_training_ms": quantiles(beside),
        "cpu_s_per_stroke": float(cpu[0]),
    }


def _strokes(
    app: App, count: int, meter: Callable[[], np.ndarray] = lambda: np.zeros(1)
) -> tuple[list[float], np.ndarray]:
    """Draw one stroke after the other; four make a drawing.

    Returns:
        (milliseconds to each answer; what the meter counted per stroke).
    """
    times, counted = [], 0 * meter()
    random = np.random.default_rng(0)
    app.page.evaluate(PROBE)
    for number in range(count):
        if number % 4 == 0:
            _clear(app)
        before = meter()
        app.draw([_line(random)])
        app.page.wait_for_function(ANSWERED)
        times.append(app.page.evaluate("() => probe.seen - probe.up"))
        app.page.wait_for_timeout(PAUSE)
        counted = counted + meter() - before
    return times, counted / count


def _line(random: np.random.Generator) -> list[tuple[float, float]]:
    (x, y), (dx, dy) = random.uniform(60, 220, 2), random.uniform(-40, 40, 2)
    return [(x + dx * t, y + dy * t) for t in np.linspace(-1, 1, 8)]


def _clear(app: App) -> None:
    button = app.part("clear").locator("button")
    if button.is_enabled():
        button.click()
        app.expect_prediction("")
        app.page.wait_for_timeout(PAUSE)


def _until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"A training did not {what} in two minutes.")
        time.sleep(0.1)


# Pages


def pages(browser: Browser, count: int) -> dict[str, Any]:
    """Milliseconds from a click to another network's answer, and to another tab's content."""
    result: dict[str, Any] = {}
    with serving() as (url, weights, _), opened(browser, url, weights) as app:
        app.page.evaluate(PROBE)
        app.draw([[(140, 40), (140, 240)]])
        app.page.wait_for_function(ANSWERED)
        switches = []
        for number in range(count * len(NETWORKS)):
            switches.append(_switch(app, NETWORKS[(number + 1) % len(NETWORKS)]))
        first = len(NETWORKS) - 1  # to networks that are not loaded yet
        result["network_first_ms"] = quantiles(switches[:first])
        result["network_ms"] = quantiles(switches[first:])
        names = [tab.inner_text() for tab in app.page.get_by_role("tab").all()]
        for name in [*names[1:], names[0]]:
            result[f"tab_{name}_ms"] = quantiles([_open_tab(app, name) for _ in range(count)])
    return result


def _switch(app: App, network: str) -> float:
    app.part("network").locator("input").click()
    option = app.page.get_by_role("option").filter(has_text=f"{network} · ").first
    option.wait_for()
    app.page.evaluate("() => { probe.up = probe.seen = 0; }")
    option.click()
    app.page.wait_for_function(ANSWERED)
    taken = app.page.evaluate("() => probe.seen - probe.up")
    app.page.wait_for_timeout(PAUSE)
    return taken


def _open_tab(app: App, name: str) -> float:
    """From another tab to this one, until something of it can be seen."""
    other = next(t for t in app.page.get_by_role("tab").all() if t.inner_text() != name)
    other.click()
    app.page.wait_for_timeout(2 * PAUSE)
    begin = time.perf_counter()
    app.tab(name)
    panel = app.page.get_by_role("tabpanel", name=name)
    panel.locator(".stMarkdown, .stButton, .stSlider").first.wait_for()
    return 1000 * (time.perf_counter() - begin)


# Traffic


def traffic(browser: Browser, count: int) -> dict[str, Any]:
    """Bytes over the web socket per stroke, and per second while a training is followed."""
    with serving() as (url, weights, _), opened(browser, url, weights) as app:
        sent = _counted(app.page)
        _strokes(app, 4)
        _, counted = _strokes(app, count, lambda: np.array(list(sent.values()), dtype=float))
        per_stroke = dict(zip(sent, counted.tolist(), strict=True))
        runs.start(RECIPES["mlp-128-64-adam"].changed(epochs=1000), "followed")
        app.tab("Train")
        app.part("accuracy_chart").wait_for()
        before, begin = dict(sent), time.perf_counter()
        app.page.wait_for_timeout(20_000)
        seconds = time.perf_counter() - begin
        per_second = {way: (sent[way] - before[way]) / seconds for way in sent}
    return {"bytes_per_stroke": per_stroke, "bytes_per_second_followed": per_second}


def _counted(page: Page) -> dict[str, int]:
    """Bytes that the page's web sockets carry, to and from the browser, counted as they go."""
    sent = {"to_browser": 0, "to_server": 0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def count(way: str) -> Callable[[dict[str, Any]], None]:
        def add(event: dict[str, Any]) -> None:
            frame = event["response"]
            data = frame["payloadData"]
            sent[way] += len(base64.b64decode(data)) if frame["opcode"] == 2 else len(data)

        return add

    session.on("Network.webSocketFrameReceived", count("to_browser"))
    session.on("Network.webSocketFrameSent", count("to_server"))
    return sent


# Memory


def memory(browser: Browser, strokes: int, trainings: int) -> dict[str, Any]:
    """Memory of the server in MB: with four networks, over many strokes, over many runs."""
    with serving() as (url, weights, server), opened(browser, url, weights) as app:
        app.draw([[(140, 40), (140, 240)]])
        app.prediction()
        for network in NETWORKS:
            app.choose("network", f"{network} · ")
            app.expect_chosen("network", f"{network} · ")
            app.page.wait_for_timeout(1000)
        loaded = _megabytes(server)
        over_strokes = [loaded, *_after_strokes(browser, url, weights, server, strokes)]
        over_runs = [over_strokes[-1], *_after_runs(app, server, trainings)]
    return {
        "four_networks_mb": loaded,
        "strokes": strokes,
        "over_strokes_mb": over_strokes,
        "runs": trainings,
        "over_runs_mb": over_runs,
    }


def _megabytes(server: psutil.Process) -> float:
    return round(server.memory_info().rss / 1e6, 1)


def _after_strokes(
    browser: Browser, url: str, weights: Path, server: psutil.Process, strokes: int
) -> Iterator[float]:
    """The server's memory after each tenth of the strokes, which four pages draw in turn."""
    random = np.random.default_rng(0)
    contexts = [opened(browser, url, weights) for _ in range(4)]
    apps = [context.__enter__() for context in contexts]
    for number in range(1, strokes + 1):
        app = apps[number % 4]
        app.draw([_line(random)])
        if number % 4 == 0:
            app.page.wait_for_timeout(250)  # the component's own 200 ms, and the answer
        if number % 60 < 4:
            _clear(app)
        if number % max(1, strokes // 10) == 0:
            yield _megabytes(server)
    for context in contexts:
        context.__exit__(None, None, None)


def _after_runs(app: App, server: psutil.Process, trainings: int) -> Iterator[float]:
    """The server's memory after each tenth of short trainings, followed in the Train tab."""
    app.tab("Train")
    tiny = RECIPES["mlp-128-64-adam"].changed(dataset="digits", subset=200, epochs=2)
    started = []
    for number in range(1, trainings + 1):
        started.append(runs.start(tiny, f"short-{number}"))
        _until(lambda: not runs.find(started[-1].id).is_live, "end")
        if number % max(1, trainings // 10) == 0:
            app.page.wait_for_timeout(1500)
            yield _megabytes(server)


if __name__ == "__main__":
    main()
