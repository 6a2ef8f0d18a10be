"""The input of the Draw tab: a drawing on the canvas, or a picture.

The canvas is on the page before anything else is loaded, so importing this module must not load
torch or scipy.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_app.common import network_address
from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _
from mnist_app.drawing.drawing import Drawing
from mnist_app.ui import upload_notices
from mnist_app.ui.draw import widgets
from mnist_app.ui.draw.strokes import MOST_POINTS, Strokes, drawing_of, is_too_long, valid_strokes
from mnist_app.ui.markdown import escaped
from mnist_app.ui.server.streamlit_internals import dropped_upload
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer
    from streamlit.runtime.uploaded_file_manager import UploadedFile
    from streamlit_drawable_canvas import CanvasResult

_SCRIPT = Path(__file__).with_name("canvas.js")
CANVAS_SIDE = 280  # pixels
BRUSH = (6, 40, 20)  # minimum, maximum and default width in pixels
INPUTS = ("Draw", "Upload", "Camera")
NO_CAMERA = N_(
    "Browsers give a page the camera only over https: choose “Upload”, which opens your phone's "
    "own camera."
)
_TALLEST = 1000  # pixels, more than the canvas's height and any brush width

BackAndForth = tuple[Strokes | None, Strokes | None]


def render_input(on_change: Callable[[], None]) -> tuple[Drawing | None, str]:
    """Show the input. Return the drawing and a hint.

    The drawing is None if there isn't one yet. The hint is for that case.

    Args:
        on_change: called before a rerun in which the drawing may have changed.
    """
    kind = st.segmented_control(
        "Input",
        INPUTS,
        default="Draw",
        key=widgets.INPUT,
        label_visibility="collapsed",
        width="stretch",
        on_change=on_change,
    )
    if kind in ("Draw", None):
        hint = "Draw a digit or a number: it is read as soon as you lift the pen."
        return _canvas(on_change), hint
    memory = current_session().draw
    if memory.start != memory.strokes:
        memory.redraw(memory.strokes)  # the canvas will start with them when it comes back
    return _picture(kind, on_change)


def _picture(kind: str, on_change: Callable[[], None]) -> tuple[Drawing | None, str]:
    if kind == "Camera" and not _is_camera_allowed():
        st.info(_(NO_CAMERA), icon=":material/no_photography:")
        return None, ""
    if kind == "Upload":
        file, chosen = _uploaded(on_change), st.session_state.get(widgets.UPLOAD)
    else:
        file = st.camera_input(
            "A photo of a digit or a number", key=widgets.CAMERA, on_change=on_change
        )
        chosen = st.session_state.get(widgets.CAMERA)
    if problem := upload_notices.room_problem([chosen]):
        st.error(problem)
        return None, ""
    if dropped_upload(chosen):
        return None, "Waiting for the picture: if it does not come, choose it again."
    if file is None:
        return None, "The digits in a picture are read as soon as it is there."
    try:
        rgba = _ink_in(file)
    except InputError as error:
        st.error(escaped(error))
        return None, ""
    st.image(rgba, caption="The ink that was found")
    return Drawing(rgba), ""


def _is_camera_allowed() -> bool:
    """Return whether the browser gives this page the camera, as far as its address tells."""
    url = st.context.url
    return not url or network_address.is_secure_context(url)


def _uploaded(on_change: Callable[[], None]) -> "UploadedFile | None":
    advice = _(
        "This file was not uploaded: choose a picture (PNG, JPEG, WebP, GIF, BMP or TIFF) of at "
        "most {limit} MB. If it is one, reload the page and try again."
    ).format(limit=upload_notices.PICTURE_MB)
    with upload_notices.explained(widgets.UPLOAD, advice):
        return st.file_uploader(
            _("A picture of a digit or a number"),
            upload_notices.PICTURE_TYPES,
            key=widgets.UPLOAD,
            max_upload_size=upload_notices.PICTURE_MB,
            on_change=on_change,
        )


def _ink_in(file: "UploadedFile") -> np.ndarray:
    if problem := upload_notices.size_problem(file.name, file.size):
        raise InputError(problem)
    return _ink_of_picture(file.getvalue(), file.name)


@st.cache_data(max_entries=20, show_spinner="Looking for ink")
def _ink_of_picture(data: bytes, name: str) -> np.ndarray:
    from mnist_app.drawing import photo, pictures

    return photo.clean(pictures.decode_picture(data, name))


# The canvas sends its strokes. Undo, redo and clear tell it to draw other strokes.


def _canvas(on_change: Callable[[], None]) -> Drawing | None:
    with st.container(key="canvas"):
        result = _component(on_change)
        _script()(key="script", height=1)
    strokes = current_session().draw.strokes = valid_strokes(result.json_data)
    _history_buttons(result.json_data)
    with st.container(key="pen"):
        st.slider("Brush width", *BRUSH, key=widgets.BRUSH, format="%d px")
    if is_too_long(result.json_data):
        st.caption(
            f"Of this drawing only {MOST_POINTS:,} points are kept: undo the rest, or clear it."
        )
    return drawing_of(result.image_data, strokes)


def _component(on_change: Callable[[], None]) -> "CanvasResult":
    """Show the canvas, and encode the redraws and the brush width in its maximum height.

    canvas.js reads them there. Unlike data sent to the script itself, the maximum height changes
    in the same step as the canvas. It exceeds the canvas's height, so it has no visible effect.
    """
    memory, brush = current_session().draw, widgets.brush_width(BRUSH[2])
    return st_canvas(
        stroke_width=brush,
        stroke_color="#FFFFFF",
        background_color="#000000",
        width=CANVAS_SIDE,
        height=CANVAS_SIDE,
        max_display_height=_TALLEST * (1 + memory.redraws) + brush,
        drawing_mode="freedraw",
        # The number forces a redraw even if the strokes are the same.
        initial_drawing={"objects": memory.start, "redraw": memory.redraws},
        return_image_data=True,
        key=widgets.CANVAS,
        on_change=on_change,
    )


@st.cache_resource
def _script() -> "ComponentRenderer":
    """Return the script that runs in the browser beside the component."""
    return st.components.v2.component("digits_canvas", js=_SCRIPT.read_text(encoding="utf-8"))


def _history_buttons(json_data: Any) -> None:
    back, forth = _back_and_forth(json_data)
    is_empty = not valid_strokes(json_data) and not is_too_long(json_data)
    with st.container(horizontal=True, gap="small"):
        _button("Undo", ":material/undo:", _undo, is_possible=back is not None)
        _button("Redo", ":material/redo:", _redo, is_possible=forth is not None)
        _button("Clear", ":material/delete:", _clear, is_possible=not is_empty)


def _button(label: str, icon: str, on_click: Callable[[], None], *, is_possible: bool) -> None:
    st.button(label, icon=icon, key=label.lower(), disabled=not is_possible, on_click=on_click)


def _back_and_forth(json_data: Any) -> BackAndForth:
    """Return the strokes after undo and after redo, each None if there is nothing to do."""
    strokes = valid_strokes(json_data)
    back, forth = current_session().draw.history.around(strokes)
    return (strokes, None) if is_too_long(json_data) else (back, forth)  # undo drops the excess


# Each button starts from what the canvas shows now: a stroke may have arrived with the click.


def _undo() -> None:
    back, _unused = _back_and_forth(widgets.canvas_json())
    _redraw(back)


def _redo() -> None:
    _unused, forth = _back_and_forth(widgets.canvas_json())
    _redraw(forth)


def _clear() -> None:
    _back_and_forth(widgets.canvas_json())  # records the strokes that came with the click
    if strokes := valid_strokes(widgets.canvas_json()):
        current_session().draw.history.cleared = strokes
    _redraw([])


def _redraw(strokes: Strokes | None) -> None:
    """Make the canvas show these strokes, or redraw its own if None.

    It always redraws, because canvas.js waits for that before it lets the pen draw.
    """
    shown = valid_strokes(widgets.canvas_json()) if strokes is None else strokes
    current_session().draw.redraw(shown)
