"""Texts from outside for Streamlit, which sets most of what it shows as Markdown."""

import re


def as_text(text: object) -> str:
    """A text with no picture in it, which the browser would fetch, no named link and no formula."""
    return re.sub(r"([\\`*$~\[\]])", r"\\\1", str(text))
