"""The answer beside the canvas: what the chosen network makes of the drawing, and how sure."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_app.figures import fragments
from mnist_app.recipes.presets import ENSEMBLES
from mnist_app.recognition.predictor import BLANK, Found, with_threshold
from mnist_app.training.calibration import REFUSED, Calibration
from mnist_app.ui import session
from mnist_app.ui.loaded_networks import Choice


def render(
    choice: Choice | None,
    rgba: np.ndarray | None,
    hint: str,
    answer_place: DeltaGenerator,
    chances_place: DeltaGenerator,
) -> None:
    """Read the drawing, uint8 (H, W, 4), and show what was found in the two places."""
    threshold = _threshold_now(choice)
    found = with_threshold(_read(choice, rgba), threshold)
    session.remember_drawing(rgba)
    with answer_place:
        _answer(found, rgba, _hint(choice, hint))
    with chances_place:
        _chances(found)
        _threshold(choice)


def _read(choice: Choice | None, rgba: np.ndarray | None) -> list[Found]:
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
    first = found[0].prediction if found else BLANK
    with st.container(key="prediction"):
        st.html(fragments.big_number(found))
    if len(found) < 2:
        with st.container(key="top"):
            st.html(fragments.top_three(first, hint))
    if not found:
        return
    with st.container(key="seen"):
        st.html(fragments.network_input(first) if len(found) < 2 else fragments.boxes(found, rgba))


def _chances(found: list[Found]) -> None:
    if len(found) < 2:
        st.html(fragments.probability_bars(found[0].prediction if found else BLANK))
    else:
        st.html(fragments.digits_found(found))


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
        **session.PERSISTENT,
    )
    measured_on = "validation digits"
    if choice.predictor.recipe.name in ENSEMBLES:
        measured_on += " of the networks in it"
    st.caption(fragments.coverage_text(*calibration.at(value / 100), calibration.n, measured_on))
