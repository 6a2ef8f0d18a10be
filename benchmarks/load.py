"""Measure the app with a whole class drawing: python benchmarks/load.py [--sessions N ...].

At each level, a number of sessions draw, each a stroke every few seconds. Meanwhile one run is
training, and three more sessions follow it in the Train tab. The sessions speak Streamlit's own
protocol: they send the messages that a real page has just sent, with their own drawings, and wait
for the answer to exactly that drawing. One real page draws at the same time, for comparison.
Writes load.json and load.svg into docs/; reliability.py turns them into a page.
"""

import json
import math
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import driving  # noqa: E402
from chromium import installed  # noqa: E402
from crowd import Job, Messages  # noqa: E402
from driving import ANSWERED, drawings, opened, serving  # noqa: E402
from page import App  # noqa: E402
from panels import cpu_seconds  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from playwright.sync_api import TimeoutError as PlaywrightTimeout  # noqa: E402
from recording import begun, crowd, listen, recorded, recorded_tab, told  # noqa: E402

from mnist_app.common import machine  # noqa: E402
from mnist_app.common.files import write_text  # noqa: E402
from mnist_app.recipes.presets import RECIPES  # noqa: E402
from mnist_app.runs import lifecycle  # noqa: E402
from mnist_app.runs.run import Run, find_run  # noqa: E402

LEVELS = 1, 10, 30, 60
FOLLOWERS = 3
TARGET_MS, TARGET_AT = 800, 30  # 95th percentile, sessions
PRESET = "cnn-2x32"  # trained meanwhile
FIRST_MINUTE = 60  # seconds in which caches fill; at most a fifth of a level

Result = dict[str, Any]


@click.command()
@click.option(
    "--sessions", multiple=True, type=click.IntRange(1), default=LEVELS, show_default=True
)
@click.option("--seconds", default=300.0, show_default=True, help="Of each level.")
@click.option("--every", default=3.0, show_default=True, help="Seconds between two strokes.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(sessions: tuple[int, ...], seconds: float, every: float, output: Path) -> None:
    """Measure the app with each number of SESSIONS, one level after another."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything it started ends too
    output.mkdir(parents=True, exist_ok=True)
    path = output / "load.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"levels": []}
    with sync_playwright() as playwright, crowd() as pipe:
        options = {"executable_path": installed(), "args": ["--no-sandbox", "--disable-gpu"]}
        browser = playwright.chromium.launch(**options)
        for count in sessions:
            row = level(browser, pipe, count, seconds, every, max(sessions))
            others = [other for other in result["levels"] if other["sessions"] != count]
            result["levels"] = sorted([*others, row], key=lambda one: one["sessions"])
            result["machine"] = machine.machine_facts()
            print(json.dumps(row), flush=True)
            write_text(path, json.dumps(result, indent=1) + "\n")
        browser.close()
    print("\n".join(section(result)))
    write_text(output / "load.svg", chart(result["levels"]))


# One level


def level(
    browser: Browser, pipe: Connection, sessions: int, seconds: float, every: float, most: int
) -> Result:
    """Measure one level, on a new server."""
    with serving() as (url, weights, server):
        run = lifecycle.start(RECIPES[PRESET].changed(epochs=1000), "beside")
        driving.until(lambda: find_run(run.id).log.batch, "begin")
        sent: Messages = []
        with opened(browser, url, weights, lambda page: listen(page, sent)) as app:
            recording = recorded(app, sent)._replace(train=recorded_tab(browser, app))
            begun(pipe, Job(url, recording, sessions, FOLLOWERS, seconds, every, most))
            watched = Watched(server, run)
            page = _page_times(app, seconds, every, watched.look)
            found = told(pipe)
            watched.look()
    return _row(sessions, seconds, every, found, page, watched)


class Watched:
    """The server and the run, measured at intervals."""

    def __init__(self, server: psutil.Process, run: Run) -> None:
        self.server, self.run = server, run
        self.begin, self.cpu = time.perf_counter(), float(cpu_seconds(server)[0])
        self.images = self._images()
        self.memory: list[tuple[float, float]] = []  # seconds, MB
        self.look()

    def look(self) -> None:
        """Record the memory, and the server's mean CPU use and the training speed so far."""
        taken = max(time.perf_counter() - self.begin, 1e-9)
        self.memory.append((taken, self.server.memory_info().rss / 1e6))
        self.cores = (float(cpu_seconds(self.server)[0]) - self.cpu) / taken
        self.images_per_second = (self._images() - self.images) / taken

    def memory_after(self, seconds: float) -> float:
        """Return the server's memory in MB, as first measured after this many seconds."""
        return next((mb for at, mb in self.memory if at >= seconds), self.memory[-1][1])

    def _images(self) -> float:
        batch = find_run(self.run.id).log.batch
        done = (batch["epoch"] - 1) * batch["batches"] + batch["batch"]
        return done * self.run.recipe.batch_size


def _row(
    sessions: int, seconds: float, every: float, found: Result, page: Result, watched: Watched
) -> Result:
    return {
        "sessions": sessions,
        "seconds": seconds,
        "every_s": every,
        "answer_ms": spread([1000 * time for time in found["times"]]),
        "page_ms": spread(page["times"]),
        "errors": sum(found["errors"].values()) + page["errors"],
        "what": found["errors"],
        "page_errors": page["errors"],
        "lost": found["lost"],
        "opening_ms": spread([1000 * time for time in found["opening"]]),
        "look_ms": spread([1000 * time for time in found["looks"]]),
        "curves": found["curves"],
        "server_cores": round(watched.cores, 3),
        "clients_cores": round(found["cpu"], 3),
        "memory_first_mb": round(watched.memory_after(min(FIRST_MINUTE, seconds / 5)), 1),
        "memory_end_mb": round(watched.memory[-1][1], 1),
        "training_images_per_s": round(watched.images_per_second),
    }


def spread(values: list[float]) -> Result:
    """Return median, 95th and 99th percentile and maximum, in the unit of the values, and n."""
    if not values:
        return {"p50": None, "p95": None, "p99": None, "max": None, "n": 0}
    names = "p50", "p95", "p99", "max"
    points = np.quantile(values, [0.5, 0.95, 0.99, 1]).tolist()
    return {name: round(point, 1) for name, point in zip(names, points, strict=True)} | {
        "n": len(values)
    }


# The real page


def _page_times(app: App, seconds: float, every: float, look: Callable[[], None]) -> Result:
    """Draw stroke by stroke; return the milliseconds from lifting the pen to each answer."""
    times, errors, shapes = [], 0, drawings(1, seed=1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        driving.clear(app)
        app.page.wait_for_timeout(500 * every)
        for stroke in next(shapes):
            if time.monotonic() >= end:
                break
            app.draw([stroke], step=math.inf)
            with suppress(PlaywrightTimeout):
                app.page.wait_for_function(ANSWERED)
                times.append(app.page.evaluate("() => probe.seen - probe.up"))
            errors = errors if app.page.evaluate(ANSWERED) else errors + 1
            look()
            app.page.wait_for_timeout(500 * every)
    return {"times": times, "errors": errors}


# Output


HEAD = """\
At each level a number of sessions draw for {seconds:g} s, each a stroke every {every:g} s.
Meanwhile one training (`{preset}`, MNIST) runs, and three more sessions follow it in the Train tab.
The sessions speak Streamlit's protocol from one process on the same {cores} cores. One real page in
Chromium draws at the same time; its times include painting.

The time is measured from lifting the pen to the complete answer to exactly that drawing. Each
answer is compared with the network's own, computed in a separate process. Errors are wrong answers,
answers that take longer than 10 s, error messages and closed connections.

    python benchmarks/load.py

{machine}.

| sessions | strokes | median, ms | 95th percentile, ms | 99th, ms | errors | sessions lost \
| real page: median, ms | 95th, ms | n |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""
SERVER = """
| sessions | server, cores | clients, cores | server after a minute, MB | at the end, MB \
| training, images/s | a follower's poll, 95th, ms | opening a page, 95th, ms |
|--:|--:|--:|--:|--:|--:|--:|--:|"""


def section(result: Result) -> list[str]:
    """Return the description, the tables and the chart, as lines of Markdown without a title."""
    rows = result["levels"]
    facts = {name: rows[-1][name] for name in ("seconds", "every_s")}
    lines = [
        HEAD.format(
            every=facts["every_s"],
            seconds=facts["seconds"],
            preset=PRESET,
            cores=result["machine"]["cores"],
            machine=machine.describe_machines([result["machine"]]),
        )
    ]
    for row in rows:
        ours, page = row["answer_ms"], row["page_ms"]
        cells = [row["sessions"], ours["n"], *(_ms(ours[name]) for name in ("p50", "p95", "p99"))]
        cells += [row["errors"], row["lost"], _ms(page["p50"]), _ms(page["p95"]), page["n"]]
        lines.append(_cells(cells))
    lines.append(SERVER)
    for row in rows:
        cells = [row["sessions"], row["server_cores"], row["clients_cores"]]
        cells += [round(row["memory_first_mb"]), round(row["memory_end_mb"])]
        cells += [f"{row['training_images_per_s']:,}", _ms(row["look_ms"]["p95"])]
        lines.append(_cells([*cells, _ms(row["opening_ms"]["p95"])]))
    return [*lines, "", "![Time to an answer by number of sessions](load.svg)"]


def _cells(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f}"


LINES = (("p50", "median", "#3b5bdb"), ("p95", "95th percentile", "#c2410c"))
LINES += (("p99", "99th percentile", "#7a808c"),)
WIDTH, HEIGHT = 560, 240  # of the plot, pixels


def chart(rows: list[Result]) -> str:
    """Draw the time to an answer against the number of sessions, as an SVG line chart."""
    rows = [row for row in rows if row["answer_ms"]["n"]]
    most = 1.05 * max([TARGET_MS, *(row["answer_ms"]["p99"] for row in rows)])
    widest = max([row["sessions"] for row in rows], default=1)

    def place(sessions: float, value: float) -> str:
        return f"{70 + WIDTH * sessions / widest:.1f},{40 + HEIGHT * (1 - value / most):.1f}"

    parts = [_axes(place, most, [row["sessions"] for row in rows])]
    for number, (name, label, color) in enumerate(LINES):
        points = [place(row["sessions"], row["answer_ms"][name]) for row in rows]
        dots = [f'<circle r="3.5" fill="{color}" cx="{x}" cy="{y}"/>' for x, y in _pairs(points)]
        parts += [f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}"/>', *dots]
        parts.append(f'<text x="{70 + 150 * number}" y="22" fill="{color}">{label}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 110} {HEIGHT + 115}" '
        'style="font:13px sans-serif;fill:#111;stroke-width:2">'
        f'<rect width="{WIDTH + 110}" height="{HEIGHT + 115}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _pairs(points: list[str]) -> list[list[str]]:
    return [point.split(",") for point in points]


def _axes(place: Callable[[float, float], str], most: float, sessions: list[int]) -> str:
    """Draw the grid lines, one of them at the target, with labels and the titles of the axes."""
    step = 10 ** math.floor(math.log10(most))
    step = step if most / step >= 4 else step / 4
    parts = []
    apart = 0.07 * most  # the space that two labels need between them
    ticks = [value for value in np.arange(0, most, step) if abs(value - TARGET_MS) > apart]
    for value in [*ticks, TARGET_MS]:
        x, y = place(0, value).split(",")
        color, dash = ("#c2410c", "5 4") if value == TARGET_MS else ("#e3e5ea", "none")
        parts.append(
            f'<path d="M{x} {y}h{WIDTH}" stroke="{color}" stroke-width="1" '
            f'stroke-dasharray="{dash}"/>'
            f'<text x="{float(x) - 8}" y="{float(y) + 4}" text-anchor="end">{value:.0f}</text>'
        )
    for count in sessions:
        x, y = place(count, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 18}" text-anchor="middle">{count}</text>')
    titles = [
        "ms from pen up to the answer, by number of sessions that draw",
        f"target at {TARGET_AT} sessions: 95th percentile at most {TARGET_MS} ms (dashed)",
    ]
    for number, title in enumerate(titles):
        y = HEIGHT + 80 + 20 * number
        parts.append(f'<text x="{70 + WIDTH / 2}" y="{y}" text-anchor="middle">{title}</text>')
    return "".join(parts)


if __name__ == "__main__":
    main()
