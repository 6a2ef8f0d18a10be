"""HTML of our own on the page in which things can be clicked or reached by keyboard."""

from pathlib import Path

import streamlit as st
from markupsafe import Markup

_component = st.components.v2.component(
    "digits_clickable",
    js=Path(__file__).with_name("clickable.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def clickable(html: Markup, key: str) -> str | None:
    """Show HTML, and tell what was clicked last.

    Args:
        html: what can be clicked is a button with the attribute data-value.
        key: of the widget.
    Returns:
        The data-value of the last click, None before the first. It may be of an earlier HTML.
    """
    result = _component(data=str(html), key=key, on_clicked_change=lambda: None)
    return result.clicked if isinstance(result.clicked, str) else None
