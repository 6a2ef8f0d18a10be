"""The statuses of all runs, read once for everyone who asks at the same time."""

import threading
import time
from functools import cache
from pathlib import Path

from mnist_app.runs.run import RunStatus, read_statuses, runs_folder

SECONDS_BETWEEN_LOOKS = 0.3


class RunBoard:
    """The statuses of all runs as last read, shared by all callers in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: tuple[RunStatus, ...] = ()
        self._seen_at: float | None = None  # monotonic seconds; None: read again

    def statuses(self) -> tuple[RunStatus, ...]:
        """Return the statuses of all runs, newest first, at most 0.3 s old."""
        with self._lock:  # only one of several callers reads the files
            if self._seen_at is None or time.monotonic() - self._seen_at > SECONDS_BETWEEN_LOOKS:
                self._statuses = tuple(read_statuses())
                self._seen_at = time.monotonic()
            return self._statuses

    def invalidate(self) -> None:
        """Make the next caller read the statuses again, after something was changed."""
        with self._lock:
            self._seen_at = None


def statuses() -> tuple[RunStatus, ...]:
    """Return the statuses of the runs in this weights folder, newest first, at most 0.3 s old."""
    return _board_of(runs_folder()).statuses()


def invalidate() -> None:
    """Make the next caller read the statuses again, after a run here was started or changed."""
    _board_of(runs_folder()).invalidate()


@cache
def _board_of(_folder: Path) -> RunBoard:
    return RunBoard()
