"""The reasons behind an answer, in expanders below the canvas. Only open ones are computed."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_app.common.translation import N_, _
from mnist_app.drawing.drawing import Drawing
from mnist_app.recognition.predictor import Found, Prediction
from mnist_app.ui import polling, session
from mnist_app.ui.loaded_networks import Choice, ReadyChoice

TITLES = {
    "why": N_("Why? The pixels that count"),
    "layers": N_("Layers: what happens inside"),
    "xray": N_("Preprocessing X-ray: each step on and off"),
    "scrubber": N_("Scrubber: the drawing replayed"),
    "neighbours": N_("Neighbours: the training images most like it"),
    "hold": N_("Does it hold? Noise, blur, rotation, shift"),
}
FRAGMENT = "reasons"  # the name of this part of the page
_MOMENT = 0.2  # seconds that one rerun spends on a long computation
_ORDINALS = N_("1st"), N_("2nd"), N_("3rd")


@dataclass(frozen=True)
class Subject:
    """The digit whose reasons are shown."""

    choice: ReadyChoice
    drawing: Drawing  # including any other digits
    found: Found
    is_alone: bool  # whether it is the only digit in the drawing

    @property
    def prediction(self) -> Prediction:
        """The network's prediction for the digit."""
        return self.found.prediction

    @property
    def nearest(self) -> int:
        """The digit it is most like.

        Raises:
            ValueError: nothing was drawn.
        """
        if self.prediction.nearest is None:
            raise ValueError("there is no digit to explain")
        return self.prediction.nearest

    @property
    def key(self) -> tuple[Any, ...]:
        """A key that changes when the digit or the network does."""
        picture = hash(self.prediction.image.tobytes())
        return self.choice.key, self.choice.version, self.drawing.key, picture

    def remembered(self, name: str, compute: Callable[[], Any], *more: object) -> Any:
        """Return `compute()`, kept in the session until digit, network or `more` change."""
        kept, key = session.current_session().reasons.kept, (*self.key, *more)
        if name not in kept or kept[name][0] != key:
            kept[name] = key, compute()
        return kept[name][1]

    def gradually(
        self, name: str, compute: Callable[[], Iterator[Any]], *more: object
    ) -> Any | float:
        """Return the result of a long computation, or the share that is done, 0..1, until then.

        `compute` yields shares as floats, then the result. Each rerun works on it only for a
        moment and then asks for another rerun, so that a stroke need not wait. A computation that
        was begun for another digit is abandoned.
        """
        memory, key = session.current_session().reasons, (*self.key, *more)
        if name not in memory.kept or memory.kept[name][0] != key:
            memory.kept[name] = key, compute(), 0.0
        _key, steps, found = memory.kept.pop(name)  # after a failure the next rerun starts over
        end = time.monotonic() + _MOMENT
        while isinstance(found, float) and time.monotonic() < end:
            found = next(steps)
        memory.kept[name] = key, steps, found
        if isinstance(found, float):
            memory.is_unfinished = True
        return found


def are_open() -> bool:
    """Return whether any expander is open, so that a stroke changes something here."""
    return any(st.session_state.get(panel_key(name)) for name in TITLES)


def panel_key(name: str) -> str:
    """Return an expander's key, which is also a CSS class on the page."""
    return f"reasons_{name}"


@st.fragment(key=FRAGMENT)
def render(choose: Callable[[], Choice | None], *, is_seen: bool = True) -> None:
    """Draw the expanders. A closed one loads and computes nothing.

    They are a fragment of their own. A stroke doesn't rerun it while all expanders are closed.

    Args:
        choose: returns the network that read the drawing.
        is_seen: False while another tab hides them; nothing is computed then.
    """
    memory = session.current_session().reasons
    memory.is_unfinished = False
    with st.container(key="reasons", gap="small"):
        which = st.container()  # above the expanders, filled only if one is open
        places = {
            name: st.expander(_(title), key=panel_key(name), on_change="rerun")
            for name, title in TITLES.items()
        }
        opened = {name: place for name, place in places.items() if place.open}
        if opened and is_seen:
            _explain(opened, which, choose())
    polling.part_rendered(FRAGMENT)
    if memory.is_unfinished:
        polling.rerun_soon()


def _explain(
    opened: Mapping[str, DeltaGenerator], which: DeltaGenerator, choice: Choice | None
) -> None:
    with which:
        subject = _subject(choice)
    for name, place in opened.items():
        with place:
            _panel(name, subject, choice)


def _panel(name: str, subject: Subject | None, choice: Choice | None) -> None:
    if subject:
        _renderer_of(name)(subject)
    elif not isinstance(choice, ReadyChoice):
        st.caption(_("There is no network to ask yet."))
    else:
        st.caption(_("Draw a digit: this follows every stroke."))


def _renderer_of(name: str) -> Callable[[Subject], None]:
    """Return the function that draws an expander's content. It is loaded when first needed."""
    match name:
        case "why":
            from mnist_app.ui.draw.reasons.attributions import render as why

            return why
        case "layers":
            from mnist_app.ui.draw.reasons.layers import render as layers

            return layers
        case "xray":
            from mnist_app.ui.draw.reasons.xray import render as xray

            return xray
        case "scrubber":
            from mnist_app.ui.draw.reasons.scrubber import render as scrubber

            return scrubber
        case "neighbours":
            from mnist_app.ui.draw.reasons.neighbours import render as neighbours

            return neighbours
    from mnist_app.ui.draw.reasons.robustness import render as robustness

    return robustness


def _subject(choice: Choice | None) -> Subject | None:
    """Return the digit to explain: the chosen one if there are several, None if there are none."""
    drawing, found = session.current_drawing(), session.current_session().draw.found
    if not isinstance(choice, ReadyChoice) or drawing is None or not found:
        return None
    place = _which(found) if len(found) > 1 else 0
    return Subject(choice, drawing, found[place], len(found) == 1)


def _which(found: list[Found]) -> int:
    place = st.segmented_control(
        _("Digit to explain"),
        range(len(found)),
        default=0,  # also if the chosen one is gone
        format_func=lambda place: f"{_ordinal(place)}: {found[place].prediction.nearest}",
        required=True,
        key="reasons_digit",
        **session.PERSISTENT,
    )
    return place or 0  # a browser may send no choice


def _ordinal(place: int) -> str:
    if place < len(_ORDINALS):
        return _(_ORDINALS[place])
    return _("{number}th").format(number=place + 1)
