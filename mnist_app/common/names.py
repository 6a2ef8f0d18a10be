"""Names and texts from outside: which names are allowed, and how a message shows them."""

import re
from pathlib import Path

from mnist_app.common.errors import InputError

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


LONGEST_SHOWN = 80  # characters of a text from outside that a message quotes


# Control characters, line ends, and characters that change the direction of the text after them.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(name: str | Path) -> str:
    """Return a file's name on one line; control characters and bytes not in UTF-8 are escaped."""
    text = str(name)
    if text.isascii() and text.isprintable():  # fast path: there may be 100,000 names
        return text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _NOT_SHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str) -> str:
    """Return a text, cut off if it is too long for a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def checked_name(name: str) -> str:
    """Return `name` if it can name a result; else raise InputError and say which names can."""
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"The name {shortened(repr(name))} cannot be used: 1 to 64 letters, digits, '-' and "
            "'_' make a name."
        )
    return name
