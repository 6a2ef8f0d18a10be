"""The server's memory with four networks, over many strokes, and over many runs."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import driving  # noqa: E402
from crowd import Job, Messages, Recording  # noqa: E402
from driving import opened, serving  # noqa: E402
from page import App  # noqa: E402
from recording import AT_REST, begun, crowd, listen, recorded, told  # noqa: E402

from mnist_app.recipes.presets import RECIPES  # noqa: E402
from mnist_app.runs import lifecycle  # noqa: E402
from mnist_app.runs.run import find_run  # noqa: E402

NETWORKS = "canvas", "resnet", "lenet5", "mlp-300"
SESSIONS = 16  # sessions that draw at the same time
OWN_DRAWINGS = 4  # prepare drawings for this many sessions; the others repeat them
EVERY = 0.5  # seconds between two strokes of a session
TINY = RECIPES["mlp-128-64-adam"].changed(dataset="digits", subset=100, epochs=1)
AT_ONCE = 25  # runs started together
SIDE_BY_SIDE = 4  # runs in parallel; the rest wait


def memory(browser: Browser, strokes: int, trainings: int) -> dict[str, Any]:
    """Measure the server's memory in MB: with four networks, over strokes, and over runs."""
    os.environ["MNIST_APP_PARALLEL_RUNS"] = str(SIDE_BY_SIDE)
    sent: Messages = []
    with (
        serving() as (url, weights, server),
        opened(browser, url, weights, lambda page: listen(page, sent)) as app,
        crowd() as pipe,
    ):
        job = _job(url, recorded(app, sent), strokes)
        loaded = _with_all_networks(app, server)
        pipe.send(replace(job, sessions=0))  # prepares the drawings during the runs
        over_runs = [loaded, *_over_runs(app, server, trainings)]
        drawn, over_strokes = _over_strokes(pipe, job, server)
    return {
        "four_networks_mb": loaded,
        "sessions": SESSIONS,
        "strokes": drawn,
        "over_strokes_mb": [over_runs[-1], *over_strokes],
        "runs": trainings,
        "over_runs_mb": over_runs,
    }


def _with_all_networks(app: App, server: psutil.Process) -> float:
    app.draw([[(140, 40), (140, 240)]])
    app.prediction()
    for network in NETWORKS:
        app.choose("network", f"{network} · ")
        app.expect_chosen("network", f"{network} · ")
        app.page.wait_for_timeout(1000)
    return _megabytes(server)


def _megabytes(server: psutil.Process) -> float:
    return round(server.memory_info().rss / 1e6, 1)


def _job(url: str, recording: Recording, strokes: int) -> Job:
    """Return a job in which many sessions together draw `strokes` strokes."""
    sessions = min(SESSIONS, strokes)
    seconds = EVERY * strokes / sessions
    how = {"to_the_last": True, "clears": False}
    return Job(url, recording, sessions, 0, seconds, EVERY, min(OWN_DRAWINGS, sessions), **how)


def _over_strokes(pipe: Connection, job: Job, server: psutil.Process) -> tuple[int, list[float]]:
    """Have the sessions draw; return the number of strokes, and the memory at intervals."""
    begun(pipe, job)
    course = []
    while not pipe.poll(job.seconds / 10):
        course.append(_megabytes(server))
    found = told(pipe)
    if found["lost"]:
        raise SystemExit(f"{found['lost']} sessions that drew were lost: {found['errors']}")
    return len(found["times"]), [*course, _megabytes(server)]


def _over_runs(app: App, server: psutil.Process, trainings: int) -> Iterator[float]:
    """Yield the memory after every few short runs, which the Train tab follows."""
    app.tab("Train")
    for number in range(0, trainings, AT_ONCE):
        names = [f"short-{i}" for i in range(number, min(number + AT_ONCE, trainings))]
        started = [lifecycle.start(TINY, name).id for name in names]
        driving.until(lambda ids=started: not any(find_run(i).is_live for i in ids), "end")
        app.page.wait_for_timeout(AT_REST)
        yield _megabytes(server)
