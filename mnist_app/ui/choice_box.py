"""A select box in which the program can choose an option, whatever the page sends in the meantime.

A request that is already on its way carries the old option, and would undo the program's choice.
So the program replaces the old box with a new one and chooses there. The request knows nothing
about the new box.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_app.ui import session


def choose(name: str, option: str) -> None:
    """Make the box of that name show `option` the next time it is drawn."""
    numbers = session.current_session().page.choice_boxes
    numbers[name] = numbers.get(name, 0) + 1
    st.session_state[_key(name)] = option


def render(label: str, name: str, options: Sequence[str], default: Callable[[], str]) -> str:
    """Draw the box and return the chosen option.

    Args:
        label: the text above the box.
        name: the name of the box, and the key of the container that holds it.
        options: at least one. If they change, an open list closes.
        default: returns the option to choose if none of them is chosen.
    """
    if st.session_state.get(_key(name)) not in options:
        st.session_state[_key(name)] = default()
    with st.container(key=name):
        return st.selectbox(label, options, key=_key(name), **session.PERSISTENT)


def _key(name: str) -> str:
    return f"{name}_{session.current_session().page.choice_boxes.get(name, 0)}"
