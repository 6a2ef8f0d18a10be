"""The answer beside the canvas: what the chosen network reads, and its confidence."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_app.common.translation import _
from mnist_app.drawing.drawing import Drawing
from mnist_app.figures import fragments
from mnist_app.recipes.presets import ENSEMBLES
from mnist_app.recognition.predictor import BLANK, Found, with_threshold
from mnist_app.training.calibration import REFUSED, Calibration
from mnist_app.ui import session
from mnist_app.ui.draw import widgets
from mnist_app.ui.loaded_networks import Choice, ReadyChoice


def render(
    choice: Choice | None,
    drawing: Drawing | None,
    hint: str,
    answer_place: DeltaGenerator,
    chances_place: DeltaGenerator,
) -> None:
    """Read the drawing and show the result in the two places."""
    drawing = _remembered(drawing)
    found = with_threshold(_read(choice, drawing), _threshold_now(choice))
    with answer_place:
        _answer(found, drawing, _hint(choice, hint))
    with chances_place:
        _chances(found)
        _threshold(choice)


def _remembered(drawing: Drawing | None) -> Drawing | None:
    """Store the drawing in the session, for the reasons and the other tabs too, and return it.

    An unchanged drawing keeps the stored object.
    """
    memory = session.current_session().draw
    known = memory.drawing
    if known is None or drawing is None or known.key != drawing.key:
        memory.drawing = drawing
    return memory.drawing


def _read(choice: Choice | None, drawing: Drawing | None) -> list[Found]:
    """Return what the network reads, computed once for the same drawing and network."""
    if drawing is None or not isinstance(choice, ReadyChoice):
        return []
    memory, key = session.current_session().draw, (choice.key, choice.version, drawing.key)
    if key != memory.read_key:
        memory.found, memory.read_key = choice.predictor.read_number(drawing), key
    return memory.found


def _hint(choice: Choice | None, hint: str) -> str:
    """Return what to do next: the input's hint, unless no network can read drawings yet."""
    if choice is None:
        return _("There is no network to read it yet: train one in the Train tab.")
    if choice.predictor is None:
        return _("This network can read drawings after its first epoch.")
    return hint


def _answer(found: list[Found], drawing: Drawing | None, hint: str) -> None:
    first = found[0].prediction if found else BLANK
    with st.container(key="prediction"):
        st.html(fragments.big_number(found))
    if len(found) < 2:
        with st.container(key="top"):
            st.html(fragments.top_three(first, hint))
    if not found or drawing is None:
        return
    is_one = len(found) < 2
    with st.container(key="seen"):
        st.html(fragments.network_input(first) if is_one else fragments.boxes(found, drawing.rgba))


def _chances(found: list[Found]) -> None:
    if len(found) < 2:
        st.html(fragments.probability_bars(found[0].prediction if found else BLANK))
    else:
        st.html(fragments.digits_found(found))


# The threshold


def _calibration(choice: Choice | None) -> Calibration:
    return choice.predictor.calibration if isinstance(choice, ReadyChoice) else Calibration()


def _threshold_now(choice: Choice | None) -> float:
    """Return the threshold, 0..1. Its slider is drawn later, below the answer that needs it."""
    default = _calibration(choice).threshold
    return float(st.session_state.get(_threshold_key(choice), 100 * default)) / 100


def _threshold_key(choice: Choice | None) -> str:
    return widgets.threshold(choice.key if choice else "")


def _threshold(choice: Choice | None) -> None:
    """Show the threshold's slider, and its measured effect on digits the network never saw."""
    if not isinstance(choice, ReadyChoice):
        return
    calibration = choice.predictor.calibration
    if not calibration.n:
        return
    value = st.slider(
        _("Answer if at least this sure"),
        0.0,
        99.0,
        round(100 * calibration.threshold, 1),
        0.5,
        key=_threshold_key(choice),
        format="%.1f%%",
        help=_(
            "Below this confidence the answer is “not a digit”. Within a number, half of it is "
            "enough. The default refuses {n:.0f} in 1,000 real digits."
        ).format(n=1000 * REFUSED),
        **session.PERSISTENT,
    )
    measured_on = _("validation digits")
    if choice.predictor.recipe.name in ENSEMBLES:
        measured_on = _("validation digits of the networks in it")
    if measured := calibration.at(value / 100):
        st.caption(fragments.coverage_text(*measured, calibration.n, measured_on))
