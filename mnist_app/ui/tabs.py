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
    labels = {_(name): name for name in NAMES}
    is_open = _KEY in st.session_state
    linked = st.query_params.get(_KEY)
    given = st.session_state[_KEY] if is_open else linked
    label = next((_(name) for name in NAMES if given in in_each_language(name)), given)
    if label and label != given and not is_open:
        st.query_params[_KEY] = label  # Streamlit would remove a label that it does not know
        st.rerun()
    if label != linked and label in [*labels][1:]:
        st.session_state[_KEY] = label  # which puts it into the address
    tabs = st.tabs([*labels], key=_KEY, on_change="rerun", bind="query-params")
    if label != given:
        st.rerun()  # once these tabs
    return dict(zip(NAMES, tabs, strict=True))
