"""Custom HTML on the page, with parts that can be clicked or reached with the keyboard."""

from pathlib import Path

import streamlit as st
from markupsafe import Markup

_component = st.components.v2.component(
    "digits_clickable",
    js=Path(__file__).with_name("clickable.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def clickable(html: Markup, key: str) -> str | None:
    """Show HTML and return what was clicked last.

    Args:
        html: each clickable part is a button with the attribute data-value.
        key: the widget's key.
    Returns:
        The data-value of the last click, or None before the first. The click may have been on HTML
        that was shown earlier.
    """
    result = _component(data=str(html), key=key, on_clicked_change=lambda: None)
    return result.clicked if isinstance(result.clicked, str) else None
