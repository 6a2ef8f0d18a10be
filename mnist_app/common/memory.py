"""How the process gets its memory."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # from glibc's malloc.h
_LARGEST_KEPT = 1 << 25  # bytes; larger blocks go back to the system immediately
_GROWTH = 1 << 22  # bytes by which the heap grows at a time
_LARGE = 1 << 17  # bytes; glibc starts with this threshold, but raises it by itself


def keep_freed_memory() -> bool:
    """Keep freed memory for reuse: every step of a training needs the same amount again.

    By default glibc gives large blocks back to the system, which then has to map and clear them
    again at every step. For a small convolutional network that is a third of the time.

    Returns:
        Whether it worked. It works only with glibc; elsewhere nothing changes.
    """
    return _set({_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: _GROWTH, _MMAP_THRESHOLD: _LARGEST_KEPT})


@cache
def give_back_freed_memory() -> bool:
    """Give large blocks back to the system as soon as they are freed: for a multi-threaded server.

    Streamlit runs each page in its own thread, and glibc keeps many heaps for threads. By default
    it would soon allocate images and tensors in these heaps, too. The freed blocks would fragment
    all of them, and memory would grow for hours. Reading a single drawing is just as fast this
    way; the many steps of a training would be slower.

    Returns:
        Whether it worked. It works only with glibc; elsewhere nothing changes.
    """
    return _set({_MMAP_THRESHOLD: _LARGE})


def _set(wanted: dict[int, int]) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and all(mallopt(key, value) for key, value in wanted.items())
