"""Texts from outside for Streamlit, which sets most of what it shows as Markdown."""

import re


def as_text(text: object) -> str:
    """A text as it is: no picture, which the browser would fetch, and no link, formula or style."""
    return re.sub(r"([\\`*$~\[\]])", r"\\\1", str(text))
