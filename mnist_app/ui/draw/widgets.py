"""The keys under which Streamlit keeps the values of the Draw tab's widgets.

They are also CSS classes on the page.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

CANVAS = "drawing_canvas"
BRUSH = "brush"
INPUT = "input"
UPLOAD = "upload"
CAMERA = "camera"


def brush_width(default: int) -> int:
    """Return the brush width set with the slider, in pixels."""
    return int(st.session_state.get(BRUSH, default))


def canvas_json() -> Any:
    """Return what the canvas sent last, which may be anything; None if it sent nothing yet."""
    sent = st.session_state.get(CANVAS)
    drawn = sent.get("drawing") if isinstance(sent, Mapping) else None
    return drawn.get("raw") if isinstance(drawn, Mapping) else None


def threshold(network: str) -> str:
    """Return the key of a network's threshold slider."""
    return f"threshold-{network}"
