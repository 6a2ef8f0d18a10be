"""The language of the page: the one that was chosen, else the browser's."""

from typing import cast

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_app.common import translation
from mnist_app.common.translation import LANGUAGES, _

_KEY = "lang"  # of the choice, and in the page's address


def render() -> None:
    """Draw the choice of the language."""
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
    chosen = st.session_state.get(_KEY) or st.query_params.get(_KEY)
    return cast("str", chosen) if chosen in LANGUAGES else _of_the_browser()


def _of_the_browser() -> str:
    return translation.best_language(st.context.locale)


translation.follow(current)
