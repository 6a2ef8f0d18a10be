"""What a user has just started is what the page shows."""

from collections.abc import Container

import streamlit as st


def choose(key: str, started: str | None, options: Container[str]) -> str | None:
    """Choose in a select box what was started; call it before the box is drawn.

    A request that is on its way brings what the page showed before: it is overruled until one
    brings what was started.

    Args:
        key: of the select box.
        started: the option to choose, if something was started.
        options: that there are by now.
    Returns:
        `started`, to be handed in again the next time; None if that is not needed any more.
    """
    if started in options and st.session_state.get(key) != started:
        st.session_state[key] = started
        return started
    return None
