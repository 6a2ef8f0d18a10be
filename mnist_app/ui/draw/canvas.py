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
from mnist_app.ui.draw.strokes import (
    GROUND,
    INK,
    MOST_POINTS,
    Strokes,
    drawing_of,
    is_too_long,
    valid_strokes,
)
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
ERASER = 2  # widths of the brush: rubbing out should take less aim than drawing
INPUTS = (N_("Draw"), N_("Upload"), N_("Camera"))
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
        _("Input"),
        INPUTS,
        default="Draw",
        format_func=_,
        key=widgets.INPUT,
        label_visibility="collapsed",
        width="stretch",
        on_change=on_change,
    )
    if kind in ("Draw", None):
        return _canvas(on_change), _hint()
    memory = current_session().draw
    memory.is_erasing = False
    if memory.start != memory.strokes:
        memory.redraw(memory.strokes)  # the canvas will start with them when it comes back
    return _picture(kind, on_change)


def _hint() -> str:
    if current_session().draw.is_erasing:
        return _("The eraser is on: press “Eraser” again to draw.")
    return _("Draw a digit or a number: it is read as soon as you lift the pen.")


def _picture(kind: str, on_change: Callable[[], None]) -> tuple[Drawing | None, str]:
    if kind == "Camera" and not _is_camera_allowed():
        st.info(_(NO_CAMERA), icon=":material/no_photography:")
        return None, ""
    if kind == "Upload":
        file, chosen = _uploaded(on_change), st.session_state.get(widgets.UPLOAD)
    else:
        file = st.camera_input(
            _("A photo of a digit or a number"), key=widgets.CAMERA, on_change=on_change
        )
        chosen = st.session_state.get(widgets.CAMERA)
    if problem := upload_notices.room_problem([chosen]):
        st.error(problem)
        return None, ""
    if dropped_upload(chosen):
        return None, _("Waiting for the picture: if it does not come, choose it again.")
    if file is None:
        return None, _("The digits in a picture are read as soon as it is here.")
    try:
        rgba = _ink_in(file)
    except InputError as error:
        st.error(escaped(error))
        return None, ""
    st.image(rgba, caption=_("The ink that was found"))
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
    with st.spinner(_("Looking for ink")):
        return _ink_of_picture(file.getvalue(), file.name)


@st.cache_data(max_entries=20, show_spinner=False)
def _ink_of_picture(data: bytes, name: str) -> np.ndarray:
    from mnist_app.drawing import photo, pictures

    return photo.clean(pictures.decode_picture(data, name))


# The canvas sends its strokes. Undo, redo and clear tell it to draw other strokes. The eraser draws
# strokes as well, in the colour of the ground.


def _canvas(on_change: Callable[[], None]) -> Drawing | None:
    with st.container(key="canvas"):
        result = _component(on_change)
        _script()(key="script", height=1)
    strokes = current_session().draw.strokes = valid_strokes(result.json_data)
    _tools(result.json_data)
    with st.container(key="pen"):
        st.slider(_("Brush width"), *BRUSH, key=widgets.BRUSH, format="%d px")
    if is_too_long(result.json_data):
        st.caption(
            _("Only {n:,} points of this drawing are kept: undo the rest, or clear it.").format(
                n=MOST_POINTS
            )
        )
    return drawing_of(result.image_data, strokes)


def _component(on_change: Callable[[], None]) -> "CanvasResult":
    """Show the canvas, and encode the redraws and the brush width in its maximum height.

    canvas.js reads them there. Unlike data sent to the script itself, the maximum height changes
    in the same step as the canvas. It exceeds the canvas's height, so it has no visible effect.
    """
    memory, brush = current_session().draw, widgets.brush_width(BRUSH[2])
    if memory.is_erasing:
        brush *= ERASER
    return st_canvas(
        stroke_width=brush,
        stroke_color=GROUND if memory.is_erasing else INK,
        background_color=GROUND,
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


def _tools(json_data: Any) -> None:
    back, forth = _back_and_forth(json_data)
    is_empty = not valid_strokes(json_data) and not is_too_long(json_data)
    is_erasing = current_session().draw.is_erasing
    with st.container(key="tools", horizontal=True, gap="xxsmall"):
        _button(N_("Undo"), ":material/undo:", _undo, is_possible=back is not None)
        _button(N_("Redo"), ":material/redo:", _redo, is_possible=forth is not None)
        _button(
            N_("Eraser"),
            ":material/ink_eraser:",
            _toggle_eraser,
            is_possible=is_erasing or not is_empty,
            is_on=is_erasing,
        )
        _button(N_("Clear"), ":material/delete:", _clear, is_possible=not is_empty)


def _button(
    label: str, icon: str, on_click: Callable[[], None], *, is_possible: bool, is_on: bool = False
) -> None:
    st.button(
        _(label),
        icon=icon,
        key=label.lower(),
        disabled=not is_possible,
        on_click=on_click,
        type="primary" if is_on else "secondary",
    )


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


def _toggle_eraser() -> None:
    memory = current_session().draw
    memory.is_erasing = not memory.is_erasing
    _redraw(None)


def _redraw(strokes: Strokes | None) -> None:
    """Make the canvas show these strokes, or redraw its own if None.

    It always redraws, because canvas.js waits for that before it lets the pen or the eraser draw.
    An empty canvas gets the pen: there is nothing to erase.
    """
    memory = current_session().draw
    shown = valid_strokes(widgets.canvas_json()) if strokes is None else strokes
    memory.redraw(shown)
    if not shown:
        memory.is_erasing = False
