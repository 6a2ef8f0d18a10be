"""The event log of a run: one JSON object per line, written by its worker and read by others."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mnist_app.runs.file_cache import Mark, mark_at, mark_of
from mnist_app.training.events import is_valid_event

Event = Mapping[str, Any]
_TAIL = 64  # last bytes read: if they are still in place, it is the same log


@dataclass(frozen=True)
class RunLog:
    """What an event log says so far. An epoch that was trained twice appears once."""

    epochs: Mapping[int, Event] = field(default_factory=dict)
    batch: Event | None = None  # the last one
    note: Event | None = None  # what is being prepared: {"text", "share"}
    end: Event | None = None
    error: str | None = None
    exit: str | None = None
    is_started: bool = False


def append_event(folder: Path, event: Event) -> None:
    """Append a line to a run's event log; if the last line was cut off, end that one first."""
    with _log_file(folder).open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(event).encode() + b"\n")


def read_log(folder: Path) -> RunLog:
    """Return what a run's event log says so far. Only lines added since the last call are read."""
    with _LOCK:
        return _FOLLOWERS.setdefault(folder, _Follower(_log_file(folder))).read()


def forget_log(folder: Path) -> None:
    """Forget what was read from the log of a run that was removed."""
    with _LOCK:
        _FOLLOWERS.pop(folder, None)


def _log_file(folder: Path) -> Path:
    return folder / "events.jsonl"


class _Follower:
    """Reads one log as it grows. Starts over if another file has replaced the log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._mark: Mark | None = None
        self._offset, self._tail = 0, b""
        self._epochs: dict[int, Event] = {}
        self._log = RunLog()

    def read(self) -> RunLog:
        """Return the log so far; an empty one if the file is missing or cannot be read."""
        try:
            if mark_at(self._path) != self._mark:
                self._read_on()
        except OSError:
            self._begin_anew()
        return self._log

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            mark = mark_of(os.fstat(file.fileno()))
            file.seek(self._offset - len(self._tail))
            if file.read(len(self._tail)) != self._tail:
                self._begin_anew()
                file.seek(0)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]  # an unfinished line has to wait
        for line in whole.splitlines():
            if event := _parse(line):
                self._add(event)
        self._mark, self._offset = mark, self._offset + len(whole)
        self._tail = (self._tail + whole)[-_TAIL:]
        # A new object and a copy, because callers still hold the previous ones.
        self._log = replace(self._log, epochs=dict(self._epochs))

    def _add(self, event: Event) -> None:
        if event["event"] == "epoch":
            self._epochs[event["epoch"]] = event
        else:
            self._log = _followed_by(self._log, event)


def _followed_by(log: RunLog, event: Event) -> RunLog:
    """Return the log after one more event, which must not be an epoch."""
    match event["event"]:
        case "queued":
            return RunLog()
        case "batch":
            return replace(log, batch=event, is_started=True)
        case "start":
            return replace(log, note=None, is_started=True)
        case "note":
            return replace(log, note=event)
        case "end":
            return replace(log, end=event)
        case "error":
            return replace(log, error=event["message"])
        case "exit":
            return replace(log, exit=event["message"])
    return log


def _parse(line: bytes) -> Event | None:
    """Return the event in a line, or None if the line is not a valid event."""
    try:
        event = json.loads(line.decode())
        if b"\\u" in line:
            json.dumps(event, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # Either a crash cut the line off: a resumed run logs the event again. Or someone edited the
        # file, or the disc is faulty: no page can show half a surrogate pair, for example.
        return None
    return event if is_valid_event(event) else None


_FOLLOWERS: dict[Path, _Follower] = {}  # by the run's folder
_LOCK = threading.Lock()
