"""Where data and weights live, and the error that a user is meant to read."""

import glob
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

import psutil

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_SHOWN = 80  # letters of something from outside in a message about it
# Control characters, line ends, and what turns the direction of the text behind it.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class InputError(ValueError):
    """Something from outside is wrong; the message is one sentence with the remedy in it."""


class TrainingError(RuntimeError):
    """A training that cannot go on; the message says why and what to change."""


def data_folder() -> Path:
    """The folder of data sets: `MNIST_APP_DATA`, by default `data/`."""
    return Path(os.environ.get("MNIST_APP_DATA", "data"))


def weights_folder() -> Path:
    """The folder of results: `MNIST_APP_WEIGHTS`, by default `weights/`."""
    return Path(os.environ.get("MNIST_APP_WEIGHTS", "weights"))


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then move it into place in one step."""
    temporary = temporary_name(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_name(path: Path) -> Path:
    """Where to write a file that is then moved to `path`; what killed processes left there goes.

    In the weights folder that is all that they left, in a folder of the user's that of this file.
    """
    ours = weights_folder().absolute() in path.absolute().parents
    for left in path.parent.glob(".*.tmp" if ours else f".{glob.escape(path.name)}.*.tmp"):
        writer = re.search(r"\.(\d+)-\d+\.tmp$", left.name)
        if writer and not psutil.pid_exists(int(writer[1])):
            with suppress(OSError):
                left.unlink()
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")


def parallel_runs() -> int:
    """How many trainings may run at once: `MNIST_APP_PARALLEL_RUNS`, by default 1."""
    text = os.environ.get("MNIST_APP_PARALLEL_RUNS", "1")
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"MNIST_APP_PARALLEL_RUNS is {text!r}: set it to a whole number from 1.")
    return int(text)


def printable(name: str | Path) -> str:
    """A file's name as text for one line; what is no UTF-8 or no letter becomes escapes."""
    text = str(name)
    if text.isascii() and text.isprintable():  # as nearly all of a hundred thousand are
        return text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _NOT_SHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str) -> str:
    """The beginning of a text, if it is too long for a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def checked_name(name: str) -> str:
    """Return `name` if it can name a result; else raise InputError saying what may stand in it."""
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"The name {shortened(repr(name))} cannot be used: 1 to 64 letters, digits, '-' and "
            "'_' make a name."
        )
    return name
