"""The page's script. Streamlit runs it for each session, and again whenever the user does anything.

The canvas is on the page before a new server has loaded torch. So everything that needs torch is
imported after the canvas is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.translation import _
from mnist_app.ui import language, listing, style, tabs
from mnist_app.ui.draw import tab as draw
from mnist_app.ui.server import garbage_collection
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.lib.mutable_tab_container import TabContainer

    from mnist_app.ui.loaded_networks import Choice

_POLLING_TABS = "Train", "Compare"  # these poll for changes themselves


def render() -> None:
    """Draw the page."""
    title = _("Digits")
    st.set_page_config(page_title=title, page_icon="✏️", layout="wide", initial_sidebar_state=340)
    st.html(style.sheet("page"))
    st.sidebar.title(title, anchor=False)
    place, parts = _render_sidebar_frame(), tabs.render()
    current_session().page.begin_run()
    with listing.once():
        _render_parts(place, parts)
    garbage_collection.freeze_library_objects()


def _render_sidebar_frame() -> DeltaGenerator:
    """Draw the choice of the language, which the other parts follow; return the place above it."""
    with st.sidebar:
        place = st.container()
        language.render()
    return place


def _render_parts(place: DeltaGenerator, parts: dict[str, TabContainer]) -> None:
    """Draw the Draw tab, the sidebar and the tab that is open.

    The Draw tab is drawn even while another tab is open.
    """
    _render_canvas(place, parts)
    from mnist_app.ui import polling
    from mnist_app.ui.draw.reasons import panels as reasons
    from mnist_app.ui.sidebar import panel as sidebar

    with parts["Draw"]:
        reasons.render(_current_choice, is_seen=bool(parts["Draw"].open))
    choice = sidebar.render(place)
    opened = next((name for name in parts if parts[name].open), "Draw")
    if opened != "Draw":
        with parts[opened]:
            _render_tab(opened, choice)
    if opened not in _POLLING_TABS:
        polling.poll_for_changes()


def _render_canvas(place: DeltaGenerator, parts: dict[str, TabContainer]) -> None:
    """Draw the canvas and the answer. While the server loads, the other parts say "Loading …"."""
    is_loaded = draw.is_loaded()
    draw_tab, *others = parts.values()
    notes = [] if is_loaded else [part.empty() for part in (place, *others)]
    for note in notes:
        note.caption(_("Loading …"))
    with draw_tab:
        draw.render(_current_choice)
    for note in notes:
        note.empty()


def _current_choice() -> Choice | None:
    """Return the network that reads the drawing."""
    from mnist_app.ui import loaded_networks
    from mnist_app.ui.sidebar import network_choice

    loaded_networks.predict_on_one_thread()
    return network_choice.current_choice()


def _render_tab(name: str, choice: Choice | None) -> None:
    """Draw the tab that is open; each tab is imported when it is first needed."""
    match name:
        case "Train":
            from mnist_app.ui.train import tab as train

            train.render()
        case "Data":
            from mnist_app.ui.data import tab as data

            data.render(choice)
        case "Evaluate":
            from mnist_app.ui.evaluate import tab as evaluate

            evaluate.render(choice)
        case _:
            from mnist_app.ui.compare import tab as compare

            compare.render()


if __name__ == "__main__":  # this is how Streamlit runs the script
    render()
