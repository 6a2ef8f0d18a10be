"""A cache for small files that are needed often: each is reread only when it has changed."""

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Mark = tuple[int, int, int, int]  # differs whenever the file has changed


def mark_of(status: os.stat_result) -> Mark:
    """Return a file's mark, which changes when the file is written to or replaced."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def mark_at(path: Path) -> Mark:
    """Return the mark of the file at `path`.

    Raises:
        OSError: there is nothing, or no regular file: reading from a pipe might block forever.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "It is not a file", str(path))
    return mark_of(status)


class FileCache(Generic[T]):
    """The parsed contents of files, by path. The least recently used entries are dropped."""

    def __init__(self, parse: Callable[[str], T], most: int = 4096) -> None:
        self._parse, self._most = parse, most
        self._entries: dict[Path, tuple[Mark, T]] = {}
        self._lock = threading.Lock()

    def read(self, path: Path) -> T:
        """Return the file's parsed contents. Callers share the object: do not change it.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is not UTF-8.
            Exception: whatever the parser raises.
        """
        mark = mark_at(path)  # before reading, so that a change in between is seen next time
        with self._lock:
            known = self._entries.pop(path, None)
        if known is None or known[0] != mark:
            known = mark, self._parse(path.read_text(encoding="utf-8"))
        with self._lock:
            self._entries[path] = known
            while len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]
        return known[1]
