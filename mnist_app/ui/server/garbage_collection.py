"""Keep the server fast while many people draw at once."""

import gc
import sys

_MANY = 100  # freeze again after more new modules than this
_looked_at = 0  # how many modules were loaded at the last freeze


def freeze_library_objects() -> None:
    """Make garbage collection skip the objects that libraries keep in memory. Cheap to repeat.

    These objects are hardly ever garbage. But scanning them takes up to a third of a second, every
    few hundred strokes, and all sessions wait meanwhile.
    """
    global _looked_at
    if len(sys.modules) > _looked_at + _MANY:
        _looked_at = len(sys.modules)
        gc.collect()  # garbage that is frozen is never freed
        gc.freeze()
