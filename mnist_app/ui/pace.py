"""How a server that many draw on at once keeps its pace."""

import ctypes
import gc
import sys
from contextlib import suppress
from functools import cache

_MANY = 100  # modules, whose objects are worth not to be looked through again
_looked_at = 0  # modules, when the objects were last set aside
_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_LARGE = 128 * 1024  # bytes; what glibc begins with, but raises by itself


def keep() -> None:
    """Have garbage collection skip what libraries keep in memory; cheap to repeat.

    That is hardly ever garbage, but takes up to a third of a second to look through, every few
    hundred strokes, in which all sessions wait.
    """
    global _looked_at
    if len(sys.modules) > _looked_at + _MANY:
        _looked_at = len(sys.modules)
        gc.freeze()


@cache
def give_back() -> None:
    """Have large blocks of memory given back as soon as they are free; cheap to repeat.

    Streamlit runs each page in a thread of its own, and glibc keeps many heaps for threads. It
    would soon take pictures and what networks compute with out of these, and what is freed then
    lies scattered over all of them: memory grows for hours.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such thing
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
