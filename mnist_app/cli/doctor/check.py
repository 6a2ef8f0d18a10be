"""What a check finds, and how errors are worded in it."""

import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

PIP = f"{sys.executable} -m pip install"

Note = Callable[[str], None]  # is called with what is being checked


class Check(NamedTuple):
    """What a check found: "warn" is worth knowing, "fail" keeps the app from working."""

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str = ""  # what to do, where the text does not say it


def sentence(error: Exception) -> str:
    """An error that a user is meant to read, to be followed by more text."""
    return str(error).rstrip(".")


def first_line(error: BaseException) -> str:
    """The first line of a library's error, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
