"""The result of a check, and helpers that word errors for it."""

import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

PIP = f"{sys.executable} -m pip install"

Note = Callable[[str], None]  # called with what is being checked


class Check(NamedTuple):
    """The result of a check: "warn" is worth knowing, "fail" keeps the app from working."""

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str = ""  # what to do, if the text does not say it


def sentence(error: Exception) -> str:
    """Return a user-facing error message without its full stop, so that more text can follow."""
    return str(error).rstrip(".")


def first_line(error: BaseException) -> str:
    """Return the first line of a library's error, or its type if it has no text."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
