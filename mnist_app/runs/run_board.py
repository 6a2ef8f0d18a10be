"""How all runs stand, looked up once for all who ask at the same time."""

import threading
import time
from functools import cache
from pathlib import Path

from mnist_app.runs.run import RunStatus, read_statuses, runs_folder

SECONDS_BETWEEN_LOOKS = 0.3


class RunBoard:
    """The runs as they were last looked up, by whoever it was in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: tuple[RunStatus, ...] = ()
        self._seen_at: float | None = None  # monotonic seconds; None: look again

    def statuses(self) -> tuple[RunStatus, ...]:
        """How all runs stand, the newest first: 0.3 s old at most."""
        with self._lock:  # of many who ask at once one looks
            if self._seen_at is None or time.monotonic() - self._seen_at > SECONDS_BETWEEN_LOOKS:
                self._statuses = tuple(read_statuses())
                self._seen_at = time.monotonic()
            return self._statuses

    def invalidate(self) -> None:
        """Have the next one look again: something was changed here."""
        with self._lock:
            self._seen_at = None


def statuses() -> tuple[RunStatus, ...]:
    """How the runs of this weights folder stand, the newest first: 0.3 s old at most."""
    return _board_of(runs_folder()).statuses()


def invalidate() -> None:
    """Have the next one look again: a run of this weights folder was started, or changed."""
    _board_of(runs_folder()).invalidate()


@cache
def _board_of(_folder: Path) -> RunBoard:
    return RunBoard()
