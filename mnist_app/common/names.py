"""Names and texts from outside: which can be used, and how they are shown in a message."""

import re
from pathlib import Path

from mnist_app.common.errors import InputError

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


LONGEST_SHOWN = 80  # letters of something from outside in a message about it


# Control characters, line ends, and what turns the direction of the text behind it.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


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
