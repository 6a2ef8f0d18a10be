"""Measure how fast the real app responds, in Chromium: python benchmarks/app.py [PART ...].

Parts: start (time to a canvas that can be drawn on), answer (time from lifting the pen to new
probabilities, alone and during a run), panels (the same with each expander open), pages (switching
to another network or tab), traffic (bytes per stroke, and per second while a run is followed),
memory (over many strokes and many runs). Without a PART, all are measured.
Writes docs/app.json.
"""

import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import driving  # noqa: E402
from chromium import installed  # noqa: E402
from driving import ANSWERED, CANVAS_SEEN, PAUSE, PROBE, drawings, opened, quantiles, serving  # noqa: E402
from growth import NETWORKS, memory  # noqa: E402
from page import App  # noqa: E402
from panels import cpu_seconds, panels  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from recording import AT_REST  # noqa: E402

from mnist_app.common import machine  # noqa: E402
from mnist_app.common.files import write_text  # noqa: E402
from mnist_app.recipes.presets import RECIPES  # noqa: E402
from mnist_app.runs import lifecycle  # noqa: E402
from mnist_app.runs.run import find_run  # noqa: E402

PARTS = ("start", "answer", "panels", "pages", "traffic", "memory")
# Seconds until Streamlit's frontend has started and sends its first request to the server.
FRONTEND = """() => performance.getEntriesByType("resource")
  .find((entry) => entry.name.includes("/_stcore/")).startTime / 1000"""
# For each tab, a selector for content that appears once the tab is ready to be read.
CONTENT = {
    "Draw": ".st-key-brush",
    "Train": ".st-key-train button",
    "Data": ".st-key-gallery_tiles .tile",
    "Evaluate": ".st-key-confusion td button",
    "Compare": ".st-key-scatter .main-svg",
}
# Milliseconds from clicking a tab until its content is painted, by the page's clock.
OPEN_TAB = """async ([name, content]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const tab = [...document.querySelectorAll("[role=tab]")].find((t) => t.innerText === name);
  const begin = performance.now();
  tab.click();
  const there = () => [...document.querySelectorAll(content)]
    .some((part) => part.getBoundingClientRect().height);
  while (!there()) await frame();
  await frame();
  return performance.now() - begin;
}"""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--answers", default=30, show_default=True, help="Strokes, alone and in training.")
@click.option("--starts", default=3, show_default=True, help="Of the server, and of each page.")
@click.option("--strokes", default=2000, show_default=True, help="Of the part memory.")
@click.option("--runs", "trainings", default=50, show_default=True, help="Of the part memory.")
@click.option("--seconds", default=10, show_default=True, help="That a training is followed.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(
    parts: tuple[str, ...],
    answers: int,
    starts: int,
    strokes: int,
    trainings: int,
    seconds: int,
    output: Path,
) -> None:
    """Measure the app."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / "app.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    result["machine"] = machine.machine_facts()
    measures: dict[str, Callable[[Browser], dict[str, Any]]] = {
        "start": lambda browser: start(browser, starts),
        "answer": lambda browser: answer(browser, answers),
        "panels": lambda browser: panels(browser, max(2, answers // 3)),
        "pages": lambda browser: pages(browser, starts),
        "traffic": lambda browser: traffic(browser, min(answers, 10), seconds),
        "memory": lambda browser: memory(browser, strokes, trainings),
    }
    with sync_playwright() as playwright:
        options = {"executable_path": installed(), "args": ["--no-sandbox", "--disable-gpu"]}
        browser = playwright.chromium.launch(**options)
        browser.new_page().close()  # so that Chromium's own first page is not measured
        for part in parts or PARTS:
            begin = time.perf_counter()
            result[part] = measures[part](browser)
            taken = time.perf_counter() - begin
            print(f"{part}, {taken:.0f} s: {json.dumps(result[part])}", flush=True)
            write_text(path, json.dumps(result, indent=1) + "\n")
        browser.close()


# Start


def start(browser: Browser, count: int) -> dict[str, Any]:
    """Measure the seconds from the command to a canvas, and to a network that reads it.

    A second browser is timed from requesting the page to its canvas, and to Streamlit's frontend.
    """
    names = "cold_s", "ready_s", "second_browser_s", "second_frontend_s"
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(count):
        begin = time.perf_counter()
        with serving() as (url, weights, _), opened(browser, url, weights) as app:
            times["cold_s"].append(time.perf_counter() - begin)
            _loaded(app)
            times["ready_s"].append(time.perf_counter() - begin)
            app.page.wait_for_timeout(AT_REST)
            with opened(browser, url, weights) as app:
                times["second_browser_s"].append(app.page.evaluate(CANVAS_SEEN))
                times["second_frontend_s"].append(app.page.evaluate(FRONTEND))
    return {name: quantiles(values) for name, values in times.items()}


def _loaded(app: App) -> App:
    """Wait until a network can be chosen, which is the last part of a new page to appear."""
    app.part("network").wait_for()
    return app


# Answers


def answer(browser: Browser, count: int) -> dict[str, Any]:
    """Measure the milliseconds from lifting the pen to new probabilities, and the server's CPU."""
    digits = drawings(1)
    with serving() as (url, weights, server), opened(browser, url, weights) as app:
        driving.strokes(_loaded(app), 5, digits)
        alone, cpu = driving.strokes(app, count, digits, lambda: cpu_seconds(server))
        run = lifecycle.start(RECIPES["cnn-2x32"].changed(epochs=1000), "beside")
        driving.until(lambda: find_run(run.id).log.batch, "begin")
        beside, _ = driving.strokes(app, count, digits)
    return {
        "alone_ms": quantiles(alone),
        "beside_training_ms": quantiles(beside),
        "cpu_s_per_stroke": float(cpu[0]),
    }


# Pages


def pages(browser: Browser, count: int) -> dict[str, Any]:
    """Measure the milliseconds from a click to another network's answer or a tab's content."""
    result: dict[str, Any] = {}
    with serving() as (url, weights, _), opened(browser, url, weights) as app:
        _loaded(app).page.evaluate(PROBE)
        app.draw([[(140, 40), (140, 240)]])
        app.page.wait_for_function(ANSWERED)
        switches = []
        for number in range(count * len(NETWORKS)):
            switches.append(_switch(app, NETWORKS[(number + 1) % len(NETWORKS)]))
        first = len(NETWORKS) - 1  # switches to networks that are not loaded yet
        result["network_first_ms"] = quantiles(switches[:first])
        result["network_ms"] = quantiles(switches[first:])
        _switch(app, NETWORKS[-1])
        result["evaluated"] = NETWORKS[-1]
        for name in [*list(CONTENT)[1:], "Draw"]:
            result[f"tab_{name}_first_ms"] = quantiles([_open_tab(app, name)])
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
    """Switch to a tab from another one; return the milliseconds until its content is visible."""
    app.tab("Train" if name == "Draw" else "Draw")
    app.page.wait_for_timeout(4 * PAUSE)
    return app.page.evaluate(OPEN_TAB, [name, CONTENT[name]])


# Traffic


def traffic(browser: Browser, count: int, seconds: int) -> dict[str, Any]:
    """Measure the bytes over the web socket per stroke, and per second while a run is followed."""
    with serving() as (url, weights, _), opened(browser, url, weights) as app:
        sent, digits = _counted(app.page), drawings(1)
        driving.strokes(_loaded(app), 4, digits)
        _, counted = driving.strokes(
            app, count, digits, lambda: np.array(list(sent.values()), dtype=float)
        )
        per_stroke = dict(zip(sent, counted.tolist(), strict=True))
        lifecycle.start(RECIPES["mlp-128-64-adam"].changed(epochs=1000), "followed")
        app.tab("Train")
        app.part("accuracy_chart").wait_for()
        before, begin = dict(sent), time.perf_counter()
        app.page.wait_for_timeout(1000 * seconds)
        taken = time.perf_counter() - begin
        per_second = {way: (sent[way] - before[way]) / taken for way in sent}
    return {"bytes_per_stroke": per_stroke, "bytes_per_second_followed": per_second}


def _counted(page: Page) -> dict[str, int]:
    """Count the bytes over the page's web sockets, each way, in a dict that is kept up to date."""
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


if __name__ == "__main__":
    main()
