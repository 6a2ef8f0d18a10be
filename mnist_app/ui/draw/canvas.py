"""What there is to read: a drawing on the canvas, or a picture.

It stands on the page before anything else is loaded, so nothing here needs torch or scipy.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_app.common.errors import InputError
from mnist_app.ui.draw.strokes import (
    MOST_POINTS,
    Strokes,
    drawn_with_fine_pen,
    is_too_long,
    undo_and_redo,
    valid_strokes,
)
from mnist_app.ui.markdown import escaped
from mnist_app.ui.server.streamlit_internals import is_dropped_upload

_SCRIPT = Path(__file__).with_name("canvas.js")
CANVAS_SIDE = 280  # pixels
BRUSH = (6, 40, 20)  # least, greatest, default width in pixels
INPUTS = ("Draw", "Upload", "Camera")
PICTURE_TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]


def render_input(on_change: Callable[[], None]) -> tuple[np.ndarray | None, str]:
    """What there is to read, and a hint while there is nothing.

    uint8 (H, W, 4), light ink on a dark ground; None: nothing yet.

    Args:
        on_change: called before a run in which that may be another.
    """
    kind = st.segmented_control(
        "Input",
        INPUTS,
        default="Draw",
        key="input",
        label_visibility="collapsed",
        width="stretch",
        on_change=on_change,
    )
    if kind in ("Draw", None):
        hint = "Draw a digit or a number: it is read as soon as you lift the pen."
        return _canvas(on_change), hint
    # The canvas goes, and begins with what was drawn when it comes back.
    st.session_state["canvas_start"] = {"objects": st.session_state.get("strokes", [])}
    return _picture(kind, on_change)


def _picture(kind: str, on_change: Callable[[], None]) -> tuple[np.ndarray | None, str]:
    if kind == "Upload":
        file = st.file_uploader(
            "A picture of a digit or a number",
            PICTURE_TYPES,
            key="upload",
            max_upload_size=20,
            on_change=on_change,
        )
    else:
        file = st.camera_input("A photo of a digit or a number", key="camera", on_change=on_change)
    if is_dropped_upload(st.session_state.get(kind.lower())):
        return None, "Waiting for the picture: if it does not come, choose it again."
    if file is None:
        return None, "The digits in a picture are read as soon as it is there."
    try:
        rgba = _ink_in(file.getvalue(), file.name)
    except InputError as error:
        st.error(escaped(error))
        return None, ""
    st.image(rgba, caption="The ink that was found")
    return rgba, ""


@st.cache_data(max_entries=20, show_spinner="Looking for ink")
def _ink_in(data: bytes, name: str) -> np.ndarray:
    from mnist_app.drawing import photo, pictures

    return photo.clean(pictures.decode_picture(data, name))


# The canvas. It sends its strokes; undo, redo and clear make it draw others.


def _canvas(on_change: Callable[[], None]) -> np.ndarray | None:
    with st.container(key="canvas"):
        result = st_canvas(
            stroke_width=st.session_state.get("brush", BRUSH[2]),
            stroke_color="#FFFFFF",
            background_color="#000000",
            width=CANVAS_SIDE,
            height=CANVAS_SIDE,
            drawing_mode="freedraw",
            initial_drawing=st.session_state.get("canvas_start"),
            return_image_data=True,
            key="drawing_canvas",
            on_change=on_change,
        )
        _script()(key="script", data={"redraws": st.session_state.get("redraws", 0)}, height=1)
    strokes = valid_strokes(result.json_data)
    st.session_state["strokes"] = strokes
    too_long = is_too_long(result.json_data)
    _history_buttons(strokes, is_too_long=too_long)
    with st.container(key="pen"):
        st.slider("Brush width", *BRUSH, key="brush", format="%d px")
    if too_long:
        st.caption(
            f"Of this drawing only {MOST_POINTS:,} points are kept: undo the rest, or clear it."
        )
    return drawn_with_fine_pen(result.image_data, strokes)


@st.cache_resource
def _script():
    """What runs in the browser beside the component, and is told how often it was redrawn."""
    return st.components.v2.component("digits_canvas", js=_SCRIPT.read_text(encoding="utf-8"))


def _history_buttons(strokes: Strokes, *, is_too_long: bool) -> None:
    back, forth = undo_and_redo(st.session_state, strokes)
    if is_too_long:
        back, forth = strokes, None  # what is not kept goes first
    is_empty = not strokes and not is_too_long
    with st.container(horizontal=True, gap="small"):
        _button("Undo", ":material/undo:", back)
        _button("Redo", ":material/redo:", forth)
        _button("Clear", ":material/delete:", None if is_empty else [], cleared=strokes)


def _button(label: str, icon: str, leads_to: Strokes | None, **kept: Strokes) -> None:
    st.button(
        label,
        icon=icon,
        key=label.lower(),
        disabled=leads_to is None,
        on_click=_redraw,
        args=(leads_to,),
        kwargs=kept,
    )


def _redraw(strokes: Strokes, cleared: Strokes | None = None) -> None:
    """Make the canvas show these strokes. The number makes it redraw even the same ones."""
    if cleared:
        st.session_state["cleared"] = cleared
    number = st.session_state.get("redraws", 0) + 1
    st.session_state["redraws"] = number
    st.session_state["canvas_start"] = {"objects": strokes, "redraw": number}
