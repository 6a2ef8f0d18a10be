"""Texts from outside for Streamlit, which sets most of what it shows as Markdown."""

import re

from mnist_app.common.translation import localized


def inline_code(text: str) -> str:
    """A text in the type of code, letter by letter, with a fence longer than any that is in it."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def escaped(text: object) -> str:
    """A text with no picture in it, which the browser would fetch, no named link and no formula.

    Half a character, as JSON can hold, becomes a question mark: nothing that has one can be sent.
    """
    whole = localized(text).encode(errors="replace").decode()
    return re.sub(r"([\\`*$~\[\]])", r"\\\1", whole)
