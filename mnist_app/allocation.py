"""How the process gets its memory."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of glibc's malloc.h
_LARGEST_KEPT = 1 << 25  # bytes: what is larger goes back at once
_GROWTH = 1 << 22  # bytes that are taken at a time


def keep_freed_memory() -> bool:
    """Keep what is freed for the next use, as each step of a training needs the same again.

    By default glibc gives large blocks back to the system, and has them cleared and mapped anew
    at every step: a third of the time of a small convolutional network.

    Returns:
        Whether that was possible: with glibc alone; elsewhere nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    wanted = {
        _TRIM_THRESHOLD: 2**31 - 1,
        _TOP_PAD: _GROWTH,
        _MMAP_THRESHOLD: _LARGEST_KEPT,
    }
    return mallopt is not None and all(mallopt(key, value) for key, value in wanted.items())
