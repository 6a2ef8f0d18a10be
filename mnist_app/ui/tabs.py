"""The row of tabs. The code calls them by their English names, whatever the page's language.

Streamlit takes a tab's label for its value, also in the address: an English page has `?tab=Train`
where a German page has `?tab=Trainieren`. Here a label of any language becomes that of the page's
language. So a link opens the same tab for everybody, and the tab stays open when the language
changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.translation import N_, _, in_each_language

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_tab_container import TabContainer

NAMES = (N_("Draw"), N_("Train"), N_("Data"), N_("Evaluate"), N_("Compare"))
_KEY = "tab"  # of the open tab, and in the page's address


def render() -> dict[str, TabContainer]:
    """Draw the tabs, and return them by their names."""
    labels = [_(name) for name in NAMES]
    linked = st.query_params.get(_KEY)
    if _KEY not in st.session_state:
        _correct_the_address(linked)
    elif (label := _here(st.session_state[_KEY])) != linked and label in labels[1:]:
        st.session_state[_KEY] = label  # goes into the address, at the latest with the next run
    tabs = st.tabs(labels, key=_KEY, on_change="rerun", bind="query-params")
    return dict(zip(NAMES, tabs, strict=True))


def _correct_the_address(linked: str | None) -> None:
    """Begin again if the address names a tab in another language: Streamlit would remove that."""
    label = _here(linked)
    if label and label != linked:
        st.query_params[_KEY] = label
        st.rerun()


def _here(label: str | None) -> str | None:
    """Return the label, in the page's language, of the tab that has this label in any language."""
    return next((_(name) for name in NAMES if label in in_each_language(name)), None)
