"""Explain why a run died, and what to do about it."""

import errno
import re
from collections.abc import Sequence
from pathlib import Path

from mnist_app.common.errors import InputError, TrainingError

SILENT = (
    "It ended without a last word: it was killed, by hand or because memory ran out, or it could "
    "not write any more."
)
_KILLED = "It was killed from outside: by hand, or by the system because memory ran out."
# What libraries say when memory runs out, while they are loaded or later.
_OUT_OF_MEMORY = re.compile(
    r"can(?:no|')t allocate|(?:unable|failed|tried) to allocate|bad[_ ]?alloc|out of memory"
    r"|failed to map segment|can't start new thread",
    re.IGNORECASE,
)


def of_error(error: Exception, folder: Path) -> str:
    """Explain the error that ended a run.

    Args:
        error: the one raised in the run's process.
        folder: to name in the message if the error is about a file but names none.
    """
    message = " ".join(str(error).split())
    if isinstance(error, InputError | TrainingError):
        return message
    if _is_out_of_memory(error, message):
        return "It ran out of memory: choose a smaller batch size or a smaller network."
    if isinstance(error, OSError):
        place = error.filename if isinstance(error.filename, str) else folder
        return (
            f"It could not read or write {place} ({error.strerror or message}): free space or see "
            "who may write there, then resume."
        )
    return f"It failed with {type(error).__name__}: {message[:300]}"


def _is_out_of_memory(error: Exception, message: str) -> bool:
    """Whether memory ran out. An error about a file names it, and its path may hold any word."""
    if isinstance(error, OSError) and type(error) is not OSError:
        return False
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(message) is not None


def of_exit(code: int, last_words: Sequence[str]) -> str:
    """Explain why a run's process ended with an exit code other than 0.

    Args:
        code: the exit code; the negative number of the signal if one ended the process.
        last_words: the lines that the process printed.
    """
    if code < 0:
        return f"{_KILLED} (signal {-code})"
    # If the process could not even print an error, most likely the disc is full.
    why = last_words[-1][:300] if last_words else "it could not write why, free space"
    return f"It ended with exit code {code}: {why.rstrip('.')}."
