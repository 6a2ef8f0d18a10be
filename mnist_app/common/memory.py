"""How the process gets its memory."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of glibc's malloc.h
_LARGEST_KEPT = 1 << 25  # bytes: what is larger goes back at once
_GROWTH = 1 << 22  # bytes that are taken at a time
_LARGE = 1 << 17  # bytes; glibc begins with these, but raises them by itself


def keep_freed_memory() -> bool:
    """Keep what is freed for the next use, as each step of a training needs the same again.

    By default glibc gives large blocks back to the system, and has them cleared and mapped anew
    at every step: a third of the time of a small convolutional network.

    Returns:
        Whether that was possible: with glibc alone; elsewhere nothing changes.
    """
    return _set({_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: _GROWTH, _MMAP_THRESHOLD: _LARGEST_KEPT})


@cache
def give_back_freed_memory() -> bool:
    """Give large blocks back as soon as they are free: for a server of many threads.

    Streamlit runs each page in a thread of its own, and glibc keeps many heaps for threads. It
    would soon take pictures and what networks compute with out of these, and what is freed then
    lies scattered over all of them: memory grows for hours. A single drawing is read as fast as
    before; the many steps of a training would not be.

    Returns:
        Whether that was possible: with glibc alone; elsewhere nothing changes.
    """
    return _set({_MMAP_THRESHOLD: _LARGE})


def _set(wanted: dict[int, int]) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and all(mallopt(key, value) for key, value in wanted.items())
