"""Where data and weights live, and the error that a user is meant to read."""

import os
import re
import threading
from contextlib import suppress
from pathlib import Path

import psutil

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
    """Where to write a file that is then moved to `path`; what killed processes left there goes."""
    for left in path.parent.glob(".*.tmp"):
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


def checked_name(name: str) -> str:
    """Return `name` if it can name a result; else raise InputError saying what may stand in it."""
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"The name {name!r} cannot be used: 1 to 64 letters, digits, '-' and '_' make a name."
        )
    return name
