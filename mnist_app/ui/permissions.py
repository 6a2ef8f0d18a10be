"""Who may do what: in teacher mode, anything that changes things for everybody needs the code.

Without the code, the protected controls are not on the page, and the buttons' callbacks check
again. So a forged message has no effect.
"""

import secrets
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from mnist_app.common import network_address, settings, teacher_code
from mnist_app.common.errors import InputError
from mnist_app.common.translation import _, localized, message
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import PERSISTENT, Persistence, client_address, current_session

NEEDED = message("The teacher code is needed for this: enter it in the sidebar.")
_DOOR = teacher_code.Door()  # shared by all sessions: a new session gets no new guesses
_NOBODYS = secrets.token_hex()  # a code nobody knows, while the secrets file cannot be read


def required_code() -> str | None:
    """Return the teacher code, or None if there isn't one and everything is open."""
    return teacher_code.configured_code(_secret)


def _secret() -> str | None:
    try:
        return st.secrets.get(teacher_code.VARIABLE)
    except (StreamlitSecretNotFoundError, FileNotFoundError):
        return _NOBODYS if _secret_files() else None


def _secret_files() -> list[str]:
    return [name for name in st.get_option("secrets.files") if Path(name).exists()]


def is_unlocked() -> bool:
    """Return whether this session may start, stop, delete and upload."""
    needed = required_code()
    if needed is None:
        return True
    held = current_session().page.teacher_pass
    return held is not None and not teacher_code.is_too_short(needed) and held.opens(needed)


def require_unlocked() -> None:
    """Raise InputError unless this session may start, stop, delete and upload."""
    if not is_unlocked():
        raise InputError(NEEDED)


class FormWidget(Persistence):
    """Arguments for a widget of a form that starts something."""

    disabled: bool


def form_widget() -> FormWidget:
    """Return the arguments that every widget of a form for starting something takes.

    Without the code its value can be read but not changed: nothing could be done with it.
    """
    return {**PERSISTENT, "disabled": not is_unlocked()}


def render_form_notice() -> None:
    """Say so above such a form if the code is missing, before anyone fills it in."""
    if not is_unlocked():
        st.info(
            _(
                "You can look around here. To change settings and to start, you need the teacher "
                "code: enter it in the sidebar."
            ),
            icon=":material/lock:",
        )


def render_locked_notice() -> None:
    """Show a notice in place of a protected control."""
    st.caption(localized(NEEDED))


# The sidebar


def render() -> None:
    """Ask for the code, or warn if others can reach the app but no code is set."""
    needed = required_code()
    if needed is None:
        _warn_if_open_to_others()
        return
    with st.expander(_("Teacher"), key="teacher", icon=":material/school:"):
        if is_unlocked():
            st.caption(_("You can start, stop, delete and upload."))
            st.button(_("Lock again"), key="teacher_lock", on_click=_lock)
        elif needed == _NOBODYS:
            text = _(
                "{files} cannot be read but may hold the teacher code: repair it, then reload the "
                "page."
            )
            st.error(text.format(files=escaped(", ".join(_secret_files()))))
        elif teacher_code.is_too_short(needed):
            st.error(
                _(
                    "The teacher code has fewer than {n} characters and could be guessed within "
                    "hours: set {variable} to a longer one."
                ).format(n=teacher_code.LEAST_LENGTH, variable=teacher_code.VARIABLE)
            )
        else:
            _ask_for(needed)


def _warn_if_open_to_others() -> None:
    is_proxied = settings.valid_or_none(settings.public_address) or settings.valid_or_none(
        settings.proxies
    )
    if is_proxied or network_address.is_reached_by_others(st.get_option("server.address")):
        st.warning(
            _(
                "Others on this network can start and stop trainings, delete uploads and read "
                "pictures in folders of this machine: set {variable} to a code, or serve on "
                "localhost."
            ).format(variable=teacher_code.VARIABLE),
            icon=":material/lock_open:",
        )


def _ask_for(needed: str) -> None:
    with st.form("teacher_form", clear_on_submit=True, border=False):
        given = st.text_input(_("Teacher code"), type="password", key="teacher_code")
        if st.form_submit_button(_("Unlock"), key="teacher_unlock"):
            _unlock(given, needed)


def _unlock(given: str, needed: str) -> None:
    try:
        current_session().page.teacher_pass = _DOOR.enter(given, needed, client_address())
    except InputError as error:
        st.error(escaped(error))
        return
    st.rerun()


def _lock() -> None:
    current_session().page.teacher_pass = None
