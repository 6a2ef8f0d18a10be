"""Prepare text from outside for Streamlit, which renders most text as Markdown."""

import re

from mnist_app.common.translation import localized


def inline_code(text: str) -> str:
    """Return text as literal inline code, in a fence longer than any run of backticks in it."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def escaped(text: object) -> str:
    """Return text escaped so that it contains no images, named links or formulas.

    The browser would fetch an image. A lone surrogate, which JSON can hold, becomes a question
    mark, because text that contains one cannot be sent.
    """
    whole = localized(text).encode(errors="replace").decode()
    return re.sub(r"([\\`*$~\[\]])", r"\\\1", whole)
