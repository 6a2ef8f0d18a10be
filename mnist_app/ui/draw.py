"""The Draw tab: a canvas or a picture, and what the chosen network makes of it."""

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_app import photo, pictures
from mnist_app.calibration import REFUSED, Calibration
from mnist_app.predictor import NOTHING, Found, answered
from mnist_app.recipes import JOINED
from mnist_app.settings import InputError
from mnist_app.ui import markup, shared
from mnist_app.ui.shared import Choice
from mnist_app.ui.strokes import Strokes, as_the_pen_went, history

CANVAS_SIDE = 280  # pixels
BRUSH = (6, 40, 20)  # least, greatest, default width in pixels
INPUTS = ("Draw", "Upload", "Camera")
PICTURE_TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]


@st.fragment
def show(choice: Choice | None) -> None:
    """Draw the tab; a stroke runs this alone again."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="given", width=CANVAS_SIDE, gap="small"):
            rgba, hint = _input()
        threshold = _threshold_now(choice)
        found = answered(read(choice, rgba), threshold)
        shared.keep_drawing(rgba)
        with st.container(key="answer", width=180, gap="small"):
            _answer(found, rgba, _hint(choice, hint))
        with st.container(key="probabilities", width=345):
            _chances(found)
            _threshold(choice)


def read(choice: Choice | None, rgba: np.ndarray | None) -> list[Found]:
    """What the chosen network finds; the same drawing and network are computed once."""
    if rgba is None or choice is None or choice.predictor is None:
        return []
    key = (choice.key, choice.version, hash(rgba.tobytes()))
    last_key, last = st.session_state.get("prediction", (None, []))
    if key != last_key:
        last = choice.predictor.read_number(rgba)
        st.session_state["prediction"] = (key, last)
    return last


def _hint(choice: Choice | None, hint: str) -> str:
    """What to do next: what the input says, if there is a network to read it."""
    if choice is None:
        return "There is no network to read it yet: train one in the Train tab."
    if choice.predictor is None:
        return "This network can read drawings after its first epoch."
    return hint


def _answer(found: list[Found], rgba: np.ndarray | None, hint: str) -> None:
    first = found[0].prediction if found else NOTHING
    with st.container(key="prediction"):
        st.html(markup.big_number(found))
    if len(found) < 2:
        with st.container(key="top"):
            st.html(markup.top_three(first, hint))
    if not found:
        return
    with st.container(key="seen"):
        st.html(markup.network_input(first) if len(found) < 2 else markup.boxes(found, rgba))


def _chances(found: list[Found]) -> None:
    if len(found) < 2:
        st.html(markup.probability_bars(found[0].prediction if found else NOTHING))
    else:
        st.html(markup.digits_found(found))


# How sure is sure enough


def _calibration(choice: Choice | None) -> Calibration:
    return choice.predictor.calibration if choice and choice.predictor else Calibration()


def _threshold_now(choice: Choice | None) -> float:
    """The slider's value, which stands below what it decides."""
    default = _calibration(choice).threshold
    return st.session_state.get(_threshold_key(choice), 100 * default) / 100


def _threshold_key(choice: Choice | None) -> str:
    return f"threshold-{choice.key if choice else ''}"


def _threshold(choice: Choice | None) -> None:
    """How sure the network must be to answer, and what that means on digits it never saw."""
    calibration = _calibration(choice)
    if not calibration.n:
        return
    value = st.slider(
        "Answer if at least this sure",
        0.0,
        99.0,
        round(100 * calibration.threshold, 1),
        0.5,
        key=_threshold_key(choice),
        format="%.1f%%",
        help="What is less sure is “not a digit”; within a number half of that is enough. "
        f"The default refuses {1000 * REFUSED:.0f} in 1,000 real digits.",
        **shared.KEPT,
    )
    measured_on = "validation digits"
    if choice.predictor.recipe.name in JOINED:
        measured_on += " of the networks in it"
    st.caption(markup.coverage_text(*calibration.at(value / 100), calibration.n, measured_on))


# Where the picture comes from


def _input() -> tuple[np.ndarray | None, str]:
    """What there is to read, and a hint while there is nothing.

    uint8 (H, W, 4), light ink on a dark ground; None: nothing yet.
    """
    kind = st.segmented_control(
        "Input",
        INPUTS,
        default="Draw",
        key="input",
        label_visibility="collapsed",
        width="stretch",
    )
    if kind in ("Draw", None):
        return _canvas(), "Draw a digit or a number: it is read as soon as you lift the pen."
    # The canvas goes, and begins with what was drawn when it comes back.
    st.session_state["canvas_start"] = {"objects": st.session_state.get("strokes", [])}
    return _picture(kind)


def _picture(kind: str) -> tuple[np.ndarray | None, str]:
    if kind == "Upload":
        file = st.file_uploader("A picture of a digit or a number", PICTURE_TYPES, key="upload")
    else:
        file = st.camera_input("A photo of a digit or a number", key="camera")
    if file is None:
        return None, "The digits in a picture are read as soon as it is there."
    try:
        rgba = _ink_in(file.getvalue(), file.name)
    except InputError as error:
        st.error(str(error))
        return None, ""
    st.image(rgba, caption="The ink that was found")
    return rgba, ""


@st.cache_data(max_entries=20, show_spinner="Looking for ink")
def _ink_in(data: bytes, name: str) -> np.ndarray:
    return photo.clean(pictures.decode_picture(data, name))


# The canvas. It sends its strokes; undo, redo and clear make it draw others.


def _canvas() -> np.ndarray | None:
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
        )
    strokes = (result.json_data or {}).get("objects", [])
    st.session_state["strokes"] = strokes
    _history_buttons(strokes)
    with st.container(key="pen"):
        st.slider("Brush width", *BRUSH, key="brush", format="%d px")
    return as_the_pen_went(result.image_data, strokes)


def _history_buttons(strokes: Strokes) -> None:
    back, forth = history(st.session_state, strokes)
    with st.container(horizontal=True, gap="small"):
        _button("Undo", ":material/undo:", back)
        _button("Redo", ":material/redo:", forth)
        _button("Clear", ":material/delete:", [] if strokes else None, cleared=strokes)


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
