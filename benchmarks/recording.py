"""Record what a real page sends to the app, and run a process of sessions that send the same."""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import driving  # noqa: E402
from crowd import Job, Messages, Recording, canvas_in, objects_in, serve  # noqa: E402
from driving import ANSWERED, PROBE, opened  # noqa: E402
from page import App  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402
from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402

SAMPLE = [(140.0, 40.0), (140.0, 240.0)]  # the stroke that is recorded
AT_REST = 1500  # ms after an action, when the page has sent everything


def listen(page: Page, sent: Messages) -> None:
    """Collect the reruns that the page requests over its web socket, except automatic ones."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def add(event: dict[str, Any]) -> None:
        frame = event["response"]
        data = base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else b""
        message = BackMsg.FromString(data)
        if message.HasField("rerun_script") and not message.rerun_script.is_auto_rerun:
            sent.append(data)

    session.on("Network.webSocketFrameSent", add)


def recorded(app: App, sent: Messages) -> Recording:
    """Record what a new page sends when it opens, for a stroke, and to clear the canvas.

    `sent` is the list to which `listen` adds the page's messages.
    """
    app.part("network").wait_for()
    opening = _since(app, sent, 0)
    app.page.evaluate(PROBE)
    app.draw([SAMPLE])
    app.page.wait_for_function(ANSWERED)
    stroke = _since(app, sent, len(opening))
    driving.clear(app)
    app.expect_prediction("")
    clearing = _since(app, sent, len(opening) + len(stroke))
    if not (opening and clearing and stroke and objects_in(canvas_in(stroke))):
        raise SystemExit("A page did not send what is known to be sent for a stroke.")
    return Recording(opening, stroke, clearing, train=[])


def recorded_tab(browser: Browser, like: App) -> Messages:
    """Record what another page sends to open the Train tab during a run."""
    sent: Messages = []
    with opened(browser, like.url, like.weights, lambda page: listen(page, sent)) as app:
        app.part("network").wait_for()
        known = len(_since(app, sent, 0))
        app.tab("Train")
        app.part("progress").wait_for()
        return _since(app, sent, known)


def _since(app: App, sent: Messages, known: int) -> Messages:
    """Return what was sent after the first `known` messages, once nothing more comes."""
    app.page.wait_for_timeout(AT_REST)
    return sent[known:]


# The process of the many sessions


@contextmanager
def crowd() -> Iterator[Connection]:
    """Start the process of the many sessions; yield the pipe to it."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield here
        here.send(None)
        process.join(10)
    finally:
        process.kill()


def begun(pipe: Connection, job: Job) -> None:
    """Have the sessions do a job, and wait until all of them are open."""
    pipe.send(job)
    if told(pipe) != "ready":
        raise SystemExit("The sessions did not open.")


def told(pipe: Connection) -> Any:
    """Return the next message from the process of the sessions."""
    try:
        return pipe.recv()
    except EOFError:
        raise SystemExit("The process of the sessions ended: see its message above.") from None
