"""A select box in which the program can choose, whatever the page sends meanwhile.

A request that is on its way brings what the page showed before, and would undo the program's
choice. So the program chooses in a new box in the old one's place, of which that request knows
nothing.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_app.ui import session


def choose(name: str, option: str) -> None:
    """Have the box of that name show an option the next time it is drawn."""
    numbers = session.current_session().page.choice_boxes
    numbers[name] = numbers.get(name, 0) + 1
    st.session_state[_key(name)] = option


def render(label: str, name: str, options: Sequence[str], default: Callable[[], str]) -> str:
    """Draw the box; the option that is chosen.

    Args:
        label: above the box.
        name: of the box, and the key of the container that holds it.
        options: at least one. A change of them would close an open list.
        default: which option to choose if none of them is chosen.
    """
    if st.session_state.get(_key(name)) not in options:
        st.session_state[_key(name)] = default()
    with st.container(key=name):
        return st.selectbox(label, options, key=_key(name), **session.PERSISTENT)


def _key(name: str) -> str:
    return f"{name}_{session.current_session().page.choice_boxes.get(name, 0)}"
