"""How a server that many draw on at once keeps its pace."""

import ctypes
import gc
import sys
from contextlib import suppress
from functools import cache

_MANY = 100  # modules, whose objects are worth not to be looked through again
_looked_at = 0  # modules, when the objects were last set aside
_M_ARENA_MAX = -8  # glibc's malloc.h
_HEAPS = 2


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
def share_heaps() -> None:
    """Have all threads share two heaps, where the C library is glibc; cheap to repeat.

    Streamlit runs each page in a thread of its own. With up to eight heaps for each core, as is
    glibc's way, what they free lies scattered over all of them, and memory grows for hours.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such thing
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)
