"""The Draw tab: a canvas or a picture, and what the chosen network reads in it."""

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
    """Return whether this server has finished loading the code that reads drawings."""
    return hasattr(sys.modules.get(_ANSWER), "render")


@st.fragment(key=FRAGMENT)
def render(choose: "Callable[[], Choice | None]") -> None:
    """Draw the tab. A stroke reruns only this fragment.

    The canvas doesn't wait for torch, which the answer needs and a new server still has to load.

    Args:
        choose: returns the network to draw with. It is called once, after torch is loaded.
    """
    with st.container(key="draw", horizontal=True, gap="medium"):
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
    """Load the code that reads drawings, and say so meanwhile."""
    if is_loaded():
        return
    loading = answer_place.empty()
    from mnist_app.figures.templating import from_template

    loading.html(from_template("figures/templates/loading.html", hint=hint))
    from mnist_app.ui.draw import answer  # noqa: F401, for later

    loading.empty()


def _await_what_follows(choice: "Choice | None") -> None:
    """Have the next poll rerun the page if the sidebar or the reasons are still behind."""
    from mnist_app.ui import polling
    from mnist_app.ui.draw.reasons import panels as reasons

    if choice and choice.key != current_session().page.sidebar_shows:
        polling.await_part("sidebar")  # drawn after this, unless a stroke ends the rerun first
    if reasons.are_open():  # they rerun by themselves, unless another rerun cuts in
        polling.await_part(reasons.FRAGMENT)


def _follow() -> None:
    """Rerun the reasons together with this tab, if any of them is open."""
    if not is_loaded():
        return
    from mnist_app.ui.draw.reasons import panels as reasons

    if reasons.are_open():
        with suppress(StreamlitAPIException):  # they are not on the page yet
            st.rerun([FRAGMENT, reasons.FRAGMENT])
