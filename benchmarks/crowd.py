"""Many sessions at once, in one process: some draw, some follow a run."""

import asyncio
import base64
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle, pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from driving import Drawing, drawings  # noqa: E402
from session import CANVAS, Session, SessionError, Shown  # noqa: E402
from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402

from mnist_app.drawing import pen  # noqa: E402
from mnist_app.figures import fragments  # noqa: E402
from mnist_app.recognition.predictor import Predictor, default_network, with_threshold  # noqa: E402
from mnist_app.ui.draw.strokes import drawing_of  # noqa: E402

BRUSH = 20  # pixels, the app's default
BETWEEN = 0.1  # seconds between opening one page and the next

Messages = list[bytes]


class Recording(NamedTuple):
    """What a real page sent: on opening, for a stroke, to clear it, and to open the Train tab."""

    opening: Messages
    stroke: Messages
    clearing: Messages
    train: Messages


@dataclass(frozen=True)
class Job:
    """How many sessions to open, what they do, and for how long."""

    url: str
    recording: Recording
    sessions: int
    followers: int
    seconds: float
    every: float  # seconds between two strokes of a session
    most: int  # prepare drawings for this many sessions; any more sessions repeat them
    to_the_last: bool = False  # draw all strokes, even if that takes longer
    clears: bool = True  # clear after each drawing; otherwise the next one replaces it


@dataclass(frozen=True)
class Stroke:
    """The canvas after a stroke, as the component sends it, and what the page should show."""

    canvas: str
    expected: Shown


def serve(pipe: Connection) -> None:
    """Do the jobs that come through the pipe, until None comes.

    For each job, send "ready" when all sessions are open, and then the result. A job without
    sessions only prepares the drawings, and sends nothing.
    """
    import torch

    torch.set_num_threads(1)
    while job := pipe.recv():
        prepared(job.most * _count(job), canvas_in(job.recording.stroke))
        if job.sessions:
            pipe.send(asyncio.run(_do(job, pipe)))


def _count(job: Job) -> int:
    return int(job.seconds / job.every) + 2


# Drawings


@cache
def prepared(count: int, sample: str) -> list[list[Stroke]]:
    """Prepare at least `count` strokes, grouped by drawing; no two drawings are the same.

    Args:
        count: the number of strokes.
        sample: the state of the canvas component after a stroke.
    """
    predictor = Predictor.load(default_network())
    made: list[list[Stroke]] = []
    total = 0
    for drawing in drawings(1):
        if total >= count:
            return made
        strokes = [_stroke(drawing[: i + 1], sample, predictor) for i in range(len(drawing))]
        if all(strokes):  # skip drawings that begin with a dot, which is not read
            made.append(strokes)
            total += len(strokes)
    return made


def _stroke(drawing: Drawing, sample: str, predictor: Predictor) -> Stroke | None:
    """Return the canvas with these strokes on it, or None if nothing is found on it."""
    paths = [np.array(stroke, dtype=float) for stroke in drawing]
    rgba = pen.canvas_rgba(pen.draw(paths, brush=BRUSH))
    state = json.loads(sample)
    raw = state["drawing"]["raw"]
    raw["objects"] = [_object(path, raw["objects"][0]) for path in paths]
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    picture = base64.b64encode(buffer.getvalue()).decode()
    state["drawing"]["data"] = f"data:image/png;base64,{picture}"
    expected = _expected(drawing_of(rgba, raw["objects"]).rgba, predictor)
    return Stroke(json.dumps(state), expected) if expected else None


def _object(path: np.ndarray, like: dict[str, Any]) -> dict[str, Any]:
    """Describe a stroke the way the canvas component does."""
    (left, top), (right, bottom) = path.min(axis=0).tolist(), path.max(axis=0).tolist()
    box = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return like | box | {"path": list(_commands(path.tolist()))}


def _commands(points: list[list[float]]) -> Iterator[list[Any]]:
    yield ["M", *points[0]]
    for (x, y), (next_x, next_y) in pairwise(points):
        yield ["Q", x, y, (x + next_x) / 2, (y + next_y) / 2]
    yield ["L", *points[-1]]


def _expected(rgba: np.ndarray, predictor: Predictor) -> Shown | None:
    threshold = round(100 * predictor.calibration.threshold, 1) / 100  # as the slider rounds it
    found = with_threshold(predictor.read_number(rgba), threshold)
    if not found:
        return None
    single = len(found) == 1
    seen = fragments.network_input(found[0].prediction) if single else fragments.boxes(found, rgba)
    return Shown(fragments.big_number(found), seen)


# Sessions


async def _do(job: Job, pipe: Connection) -> dict[str, Any]:
    followers = [await _opened(job, job.recording.train) for _ in range(job.followers)]
    sessions, opening = [], []
    for _ in range(job.sessions):
        begin = time.perf_counter()
        sessions.append(await _opened(job, []))
        opening.append(time.perf_counter() - begin)
        await asyncio.sleep(BETWEEN)
    before = [(len(one.looks), one.curves) for one in followers]
    shares = _shared_out(job)
    pipe.send("ready")
    phases = np.random.default_rng(0).uniform(0, job.every, job.sessions)
    cpu, begin = time.process_time(), time.perf_counter()
    times = await asyncio.gather(
        *(
            _draw(one, job, share, begin + phase)
            for one, share, phase in zip(sessions, shares, phases, strict=True)
        )
    )
    await asyncio.sleep(max(0.0, begin + job.seconds - time.perf_counter()))
    taken = time.perf_counter() - begin
    everyone = [*sessions, *followers]
    result = {
        "times": [seconds for row in times for seconds in row],
        "opening": opening,
        "errors": dict(Counter(problem for one in everyone for problem in one.problems)),
        "lost": sum(one.is_lost for one in everyone),
        "looks": [
            seconds
            for one, (looks, _) in zip(followers, before, strict=True)
            for seconds in one.looks[looks:]
        ],
        "curves": sum(
            one.curves - curves for one, (_, curves) in zip(followers, before, strict=True)
        ),
        "cpu": (time.process_time() - cpu) / taken,
    }
    await asyncio.gather(*(one.close() for one in everyone), return_exceptions=True)
    return result


def _shared_out(job: Job) -> list[list[list[Stroke]]]:
    """Share out the drawings among the sessions; none is used twice if there are enough."""
    made = cycle(prepared(job.most * _count(job), canvas_in(job.recording.stroke)))
    shares = []
    for _ in range(job.sessions):
        share: list[list[Stroke]] = []
        while sum(map(len, share)) < _count(job) - 1:
            share.append(next(made))
        shares.append(share)
    return shares


async def _opened(job: Job, more: Messages) -> Session:
    session = await Session.connect(job.url)
    try:
        for message in [*job.recording.opening, *more]:
            await session.run(BackMsg.FromString(message))
    except SessionError as error:
        session.problems.append(f"on opening: {error}")
    return session


async def _draw(session: Session, job: Job, share: list[list[Stroke]], begin: float) -> list[float]:
    """Draw for the job's duration; return the seconds from lifting the pen to each answer.

    If an answer is late, the session goes on drawing once it has arrived.
    """
    times: list[float] = []
    due, end = begin, begin + job.seconds
    try:
        for drawing in share:
            for stroke in drawing:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                if time.perf_counter() >= end and not job.to_the_last:
                    return times
                await _stroke_by(session, job, stroke, times)
                due += job.every
            if job.clears:
                await asyncio.sleep(max(0.0, due - job.every / 2 - time.perf_counter()))
                await _clear(session, job)
    except SessionError as error:  # the session is lost
        session.problems.append(str(error))
    return times


async def _stroke_by(session: Session, job: Job, stroke: Stroke, times: list[float]) -> None:
    message = BackMsg.FromString(job.recording.stroke[-1])
    try:
        times.append(await session.draw(message, stroke.canvas, stroke.expected))
    except SessionError as error:
        if session.is_lost:
            raise
        session.problems.append(str(error))


async def _clear(session: Session, job: Job) -> None:
    for data in job.recording.clearing:
        message = BackMsg.FromString(data)
        if (sent := canvas_in([data])) and not objects_in(sent):
            session.canvas = sent
        try:
            await session.run(message)
        except SessionError as error:
            if session.is_lost:
                raise
            session.problems.append(f"on clearing: {error}")


def canvas_in(messages: Messages) -> str | None:
    """Return the canvas component's state in the last of a page's messages, as JSON, or None."""
    for widget in BackMsg.FromString(messages[-1]).rerun_script.widget_states.widgets:
        if widget.id.endswith(CANVAS):
            return widget.json_value
    return None


def objects_in(canvas: str | None) -> list[dict[str, Any]]:
    """Return the strokes in a state of the canvas component, or an empty list without one."""
    drawing = json.loads(canvas or "{}").get("drawing") or {"raw": {}}
    return drawing["raw"].get("objects", [])
