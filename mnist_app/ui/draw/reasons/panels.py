"""The reasons behind an answer, below the canvas: an expander each, computed while it is open."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_app.recognition.predictor import Found, Prediction
from mnist_app.ui import polling, session
from mnist_app.ui.loaded_networks import Choice

TITLES = {
    "why": "Why? The pixels that count",
    "layers": "Layers: what happens inside",
    "xray": "Preprocessing X-ray: each step on and off",
    "scrubber": "Scrubber: the drawing replayed",
    "neighbours": "Neighbours: the training images most like it",
    "hold": "Does it hold? Noise, blur, rotation, shift",
}
FRAGMENT = "reasons"  # the name of this part of the page
_MOMENT = 0.2  # seconds that a run works on what takes long
_ORDINALS = "1st", "2nd", "3rd"


@dataclass(frozen=True)
class Subject:
    """The digit whose reasons are shown."""

    choice: Choice  # with a predictor
    rgba: np.ndarray  # uint8 (H, W, 4), the whole drawing
    found: Found
    is_alone: bool  # the only digit of the drawing

    @property
    def prediction(self) -> Prediction:
        """What it was taken for."""
        return self.found.prediction

    @property
    def key(self) -> tuple[Any, ...]:
        """What changes when the digit or the network does."""
        picture = hash(self.prediction.image.tobytes())
        return self.choice.key, self.choice.version, hash(self.rgba.tobytes()), picture

    def remembered(self, name: str, compute: Callable[[], Any], *more: object) -> Any:
        """What `compute` gives, kept in the session until the digit or `more` changes."""
        state, key = f"reasons_kept_{name}", (*self.key, *more)
        if st.session_state.get(state, (None,))[0] != key:
            st.session_state[state] = key, compute()
        return st.session_state[state][1]

    def gradually(
        self, name: str, compute: Callable[[], Iterator[Any]], *more: object
    ) -> Any | float:
        """What `compute` yields last, or for now the share that is done, 0..1, which it yields.

        A run works on it for a moment only and comes again, so that a stroke need not wait. What
        was begun for another digit is given up.
        """
        state, key = f"reasons_kept_{name}", (*self.key, *more)
        if st.session_state.get(state, (None,))[0] != key:
            st.session_state[state] = key, compute(), 0.0
        _, steps, found = st.session_state.pop(state)  # what fails is begun anew the next time
        end = time.monotonic() + _MOMENT
        while isinstance(found, float) and time.monotonic() < end:
            found = next(steps)
        st.session_state[state] = key, steps, found
        if isinstance(found, float):
            st.session_state["reasons_unfinished"] = True
        return found


def are_open() -> bool:
    """Whether a stroke has anything to change here."""
    return any(st.session_state.get(f"reasons_{name}") for name in TITLES)


@st.fragment(key=FRAGMENT)
def render(choose: Callable[[], Choice | None], *, is_seen: bool = True) -> None:
    """Draw the expanders; a closed one loads and computes nothing.

    They are a part of the page of their own, which a stroke leaves alone while all are closed.

    Args:
        choose: gives the network that read the drawing.
        is_seen: False while another tab hides them; nothing is computed then.
    """
    st.session_state["reasons_unfinished"] = False
    with st.container(key="reasons", gap="small"):
        which = st.container()  # stands above, is known only if one is open
        places = {
            name: st.expander(title, key=f"reasons_{name}", on_change="rerun")
            for name, title in TITLES.items()
        }
        opened = {name: place for name, place in places.items() if place.open}
        if opened and is_seen:
            _explain(opened, which, choose())
    polling.part_rendered(FRAGMENT)
    if st.session_state["reasons_unfinished"]:
        polling.rerun_soon()


def _explain(
    opened: dict[str, DeltaGenerator], which: DeltaGenerator, choice: Choice | None
) -> None:
    with which:
        subject = _subject(choice)
    for name, place in opened.items():
        with place:
            _panel(name, subject, choice)


def _panel(name: str, subject: Subject | None, choice: Choice | None) -> None:
    if subject:
        _module_of(name).render(subject)
    elif choice is None or choice.predictor is None:
        st.caption("There is no network to ask yet.")
    else:
        st.caption("Draw a digit: this follows every stroke.")


def _module_of(name: str) -> ModuleType:
    """What an expander shows: each is loaded when it is opened for the first time."""
    match name:
        case "why":
            from mnist_app.ui.draw.reasons import attributions as module
        case "layers":
            from mnist_app.ui.draw.reasons import layers as module
        case "xray":
            from mnist_app.ui.draw.reasons import xray as module
        case "scrubber":
            from mnist_app.ui.draw.reasons import scrubber as module
        case "neighbours":
            from mnist_app.ui.draw.reasons import neighbours as module
        case _:
            from mnist_app.ui.draw.reasons import robustness as module
    return module


def _subject(choice: Choice | None) -> Subject | None:
    """The digit to explain; the one that is chosen, if the drawing has several."""
    rgba = session.current_drawing()
    if choice is None or choice.predictor is None or rgba is None:
        return None
    _, everything = st.session_state.get("prediction", (None, []))
    if not everything:
        return None
    place = _which(everything) if len(everything) > 1 else 0
    return Subject(choice, rgba, everything[place], len(everything) == 1)


def _which(everything: list[Found]) -> int:
    place = st.segmented_control(
        "Digit to explain",
        range(len(everything)),
        default=0,  # again where there were more digits before
        format_func=lambda place: f"{_ordinal(place)}: {everything[place].prediction.nearest}",
        required=True,
        key="reasons_digit",
        **session.PERSISTENT,
    )
    return place or 0  # a browser may send that there is none


def _ordinal(place: int) -> str:
    return _ORDINALS[place] if place < len(_ORDINALS) else f"{place + 1}th"
