"""A session of the app without a browser, which sends Streamlit's messages over a web socket."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

CANVAS = "-drawing_canvas"  # end of the id of the canvas component, which holds the drawing
DIGIT, SEEN = '<div class="digit', '<div class="seen"'
CHANCES = '<div class="bars', '<div class="cards"'  # arrives last
PATIENCE = 10  # seconds to wait for an answer


class SessionError(Exception):
    """Anything that a user would call an error; the message says what it is."""


@dataclass(frozen=True)
class Shown:
    """What the page shows beside the canvas, as HTML."""

    digit: str
    seen: str


@dataclass
class Session:
    """One open page: what it sends, what it receives, and what went wrong."""

    socket: ClientConnection
    last: BackMsg = field(default_factory=BackMsg)  # last one sent: the state of all widgets
    canvas: str | None = None  # the state of the canvas component, as JSON
    problems: list[str] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)  # seconds that each poll took
    curves: int = 0  # charts received
    is_lost: bool = False

    def __post_init__(self) -> None:
        self._timers: dict[str, tuple[float, asyncio.Task]] = {}
        self._awaited: tuple[Callable[[ForwardMsg], bool], asyncio.Future] | None = None
        self._digit = self._seen = ""
        self._looking = 0.0
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url: str) -> "Session":
        """Connect to the app at an http address, without requesting anything yet."""
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        patient = {"open_timeout": 60, "ping_interval": None}  # like a browser: it sends no pings
        return cls(await connect(address, subprotocols=["streamlit"], max_size=None, **patient))

    async def close(self) -> None:
        """Disconnect, like a browser that is closed."""
        self._reader.cancel()
        for fragment in list(self._timers):
            self._stop(fragment)
        await self.socket.close()

    # Sending

    async def run(self, message: BackMsg) -> float:
        """Send a page's message and wait until the script has run; return the seconds."""
        return await self._until(message, lambda got: got.WhichOneof("type") == "script_finished")

    async def draw(self, message: BackMsg, canvas: str, expected: Shown) -> float:
        """Lift the pen and wait for the answer; return the seconds.

        Raises:
            SessionError: no answer came, or a wrong one.
        """
        self.canvas, self._seen = canvas, ""
        seconds = await self._until(message, lambda got: self._is_answer(got, expected.seen))
        if self._digit != expected.digit:
            raise SessionError("wrong answer")
        return seconds

    async def _until(self, message: BackMsg, is_it: Callable[[ForwardMsg], bool]) -> float:
        arrived = asyncio.get_running_loop().create_future()
        self._awaited, begin = (is_it, arrived), time.perf_counter()
        try:
            await self._send(message)
            return await asyncio.wait_for(arrived, PATIENCE) - begin
        except TimeoutError:
            seen = "an answer to another drawing" if self._seen else "no answer"
            raise SessionError(f"{seen} in {PATIENCE} s") from None
        except WebSocketException:
            self.is_lost = True
            raise SessionError("session lost") from None
        finally:
            self._awaited = None

    async def _send(self, message: BackMsg) -> None:
        self.last.CopyFrom(message)
        for widget in self.last.rerun_script.widget_states.widgets:
            if widget.id.endswith(CANVAS) and self.canvas:
                widget.json_value = self.canvas
        await self.socket.send(self.last.SerializeToString())

    async def _look(self, fragment: str, interval: float) -> None:
        """Rerun a fragment of the page at an interval, as a real page does when told to."""
        with suppress(WebSocketException):  # the reader handles it
            while True:
                await asyncio.sleep(interval)
                message = BackMsg()
                message.CopyFrom(self.last)
                _without_triggers(message)
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
                self._looking = time.perf_counter()
                await self._send(message)

    # Receiving

    async def _read(self) -> None:
        message = ForwardMsg()
        try:
            async for data in self.socket:
                message.ParseFromString(data)
                self._take(message)
                if self._awaited and self._awaited[0](message) and not self._awaited[1].done():
                    self._awaited[1].set_result(time.perf_counter())
        except WebSocketException:
            pass
        finally:
            self.is_lost = True
            if self._awaited and not self._awaited[1].done():
                self._awaited[1].set_exception(SessionError("session lost"))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._take_delta(message.delta)
        elif kind == "session_event":
            self.problems.append(f"session event {message.session_event.WhichOneof('type')}")
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.problems.append("script failed")
            if self._looking:
                self.looks.append(time.perf_counter() - self._looking)
                self._looking = 0.0
        elif kind == "auto_rerun":
            self._follow(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop(fragment)

    def _take_delta(self, delta: Delta) -> None:
        kind = delta.new_element.WhichOneof("type")
        if kind == "exception":
            self.problems.append(f"exception {delta.new_element.exception.type}")
        elif kind == "plotly_chart":
            self.curves += 1
        elif kind == "html" and (body := delta.new_element.html.body).startswith(DIGIT):
            self._digit = body
        elif kind == "html" and body.startswith(SEEN):
            self._seen = body

    def _is_answer(self, message: ForwardMsg, seen: str) -> bool:
        """Return whether this is the last part of the answer to the drawing with this picture."""
        body = message.delta.new_element.html.body
        return body.startswith(CHANCES) and self._seen == seen

    def _follow(self, fragment: str, interval: float) -> None:
        known, _ = self._timers.get(fragment, (None, None))
        if known != interval:
            self._stop(fragment)
            task = asyncio.create_task(self._look(fragment, interval))
            self._timers[fragment] = interval, task

    def _stop(self, fragment: str) -> None:
        _, timer = self._timers.pop(fragment, (None, None))
        if timer:
            timer.cancel()


def _without_triggers(message: BackMsg) -> None:
    widgets = message.rerun_script.widget_states.widgets
    kept = [w for w in widgets if not (w.WhichOneof("value") or "").endswith("trigger_value")]
    if len(kept) < len(widgets):
        kept = [type(w).FromString(w.SerializeToString()) for w in kept]
        del widgets[:]
        widgets.extend(kept)
