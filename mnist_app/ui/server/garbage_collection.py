"""How a server that many draw on at once keeps its pace."""

import gc
import sys

_MANY = 100  # modules, whose objects are worth not to be looked through again
_looked_at = 0  # modules, when the objects were last set aside


def freeze_library_objects() -> None:
    """Have garbage collection skip what libraries keep in memory; cheap to repeat.

    That is hardly ever garbage, but takes up to a third of a second to look through, every few
    hundred strokes, in which all sessions wait.
    """
    global _looked_at
    if len(sys.modules) > _looked_at + _MANY:
        _looked_at = len(sys.modules)
        gc.collect()  # garbage that is frozen is never freed
        gc.freeze()
