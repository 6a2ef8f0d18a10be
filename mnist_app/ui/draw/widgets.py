"""The widgets of the Draw tab: the keys under which Streamlit keeps their values.

The keys are CSS classes on the page, too.
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
    """Of the slider, in pixels."""
    return int(st.session_state.get(BRUSH, default))


def canvas_json() -> Any:
    """What the canvas sent last, which may be anything; None before that."""
    sent = st.session_state.get(CANVAS)
    drawn = sent.get("drawing") if isinstance(sent, Mapping) else None
    return drawn.get("raw") if isinstance(drawn, Mapping) else None


def threshold(network: str) -> str:
    """The key of the slider for how sure a network must be."""
    return f"threshold-{network}"
