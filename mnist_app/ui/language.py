"""The language of the page: the one that was chosen, else the browser's.

A link names a language by its code (`?lang=de`) or, as Streamlit puts it into the address, by the
text of its option (`?lang=Deutsch`).
"""

from typing import cast

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_app.common import translation
from mnist_app.common.translation import LANGUAGES, _

_KEY = "lang"  # of the choice, and in the page's address


def render() -> None:
    """Draw the choice of the language."""
    linked = st.query_params.get(_KEY)
    if linked in LANGUAGES and _KEY not in st.session_state:
        st.query_params[_KEY] = LANGUAGES[linked]  # Streamlit would not know the code
        st.rerun()
    st.selectbox(
        _("Language"),
        list(LANGUAGES),
        index=list(LANGUAGES).index(_of_the_browser()),
        format_func=LANGUAGES.__getitem__,
        key=_KEY,
        bind="query-params",
    )


def current() -> str:
    """Return the language of the session that runs in this thread; English in other threads."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return translation.SOURCE
    chosen = st.session_state.get(_KEY) or _linked()
    return cast("str", chosen) if chosen in LANGUAGES else _of_the_browser()


def _linked() -> str | None:
    """Return the code of the language in the page's address, None if there is none."""
    linked = st.query_params.get(_KEY)
    return next((code for code, name in LANGUAGES.items() if linked in (code, name)), None)


def _of_the_browser() -> str:
    return translation.best_language(st.context.locale)


translation.follow(current)
