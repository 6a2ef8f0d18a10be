"""Small files that are asked for again and again, and read only when they have changed."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Mark = tuple[int, int, int, int]  # what differs between two states of a file


def mark_of(status: os.stat_result) -> Mark:
    """What changes when a file is written or replaced by another."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class FileCache(Generic[T]):
    """What files hold, parsed, by path; the entries that were not asked for longest are dropped."""

    def __init__(self, parse: Callable[[str], T], most: int = 4096) -> None:
        self._parse, self._most = parse, most
        self._entries: dict[Path, tuple[Mark, T]] = {}
        self._lock = threading.Lock()

    def read(self, path: Path) -> T:
        """What the file holds now. It is shared: do not change it.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not UTF-8; and whatever the parser raises.
        """
        mark = mark_of(path.stat())  # before it is read: a change in between is seen the next time
        with self._lock:
            known = self._entries.pop(path, None)
        if known is None or known[0] != mark:
            known = mark, self._parse(path.read_text(encoding="utf-8"))
        with self._lock:
            self._entries[path] = known
            while len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]
        return known[1]
