"""The Draw tab: a canvas or a picture, and what the chosen network makes of it."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from mnist_app.ui.draw import canvas
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from mnist_app.ui.loaded_networks import Choice

FRAGMENT = "draw"  # the name of this part of the page
_ANSWER = "mnist_app.ui.draw.answer"


def is_loaded() -> bool:
    """Whether this server has loaded what reads a drawing; while it does, not yet."""
    return hasattr(sys.modules.get(_ANSWER), "render")


@st.fragment(key=FRAGMENT)
def render(choose: "Callable[[], Choice | None]") -> None:
    """Draw the tab; a stroke runs this alone again.

    The canvas is on the page before torch, which a new server has yet to load, and which the
    answer needs.

    Args:
        choose: gives the network to draw with; it is called once, when that is loaded.
    """
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="given", width=canvas.CANVAS_SIDE, gap="small"):
            drawing, hint = canvas.render_input(_follow)
        answer_place = st.container(key="answer", width=180, gap="small")
        chances_place = st.container(key="probabilities", width=345)
    _load(hint, answer_place)
    from mnist_app.ui.draw import answer

    choice = choose()
    answer.render(choice, drawing, hint, answer_place, chances_place)
    _await_what_follows(choice)


def _load(hint: str, answer_place: DeltaGenerator) -> None:
    """Load what reads a drawing, and say so meanwhile."""
    if is_loaded():
        return
    loading = answer_place.empty()
    from mnist_app.figures.templating import from_template

    loading.html(from_template("figures/templates/loading.html", hint=hint))
    from mnist_app.ui.draw import answer  # noqa: F401, for later

    loading.empty()


def _await_what_follows(choice: "Choice | None") -> None:
    """Have the page look whether the sidebar and the reasons came after the answer."""
    from mnist_app.ui import polling
    from mnist_app.ui.draw.reasons import panels as reasons

    if choice and choice.key != current_session().page.sidebar_shows:
        polling.await_part("sidebar")  # comes after this, unless a stroke ends the run before
    if reasons.are_open():  # they follow by themselves, unless a run that comes between ends that
        polling.await_part(reasons.FRAGMENT)


def _follow() -> None:
    """Have the reasons follow what is drawn, if any of them is open."""
    if not is_loaded():
        return
    from mnist_app.ui.draw.reasons import panels as reasons

    if reasons.are_open():
        with suppress(StreamlitAPIException):  # they are not on the page yet
            st.rerun([FRAGMENT, reasons.FRAGMENT])
