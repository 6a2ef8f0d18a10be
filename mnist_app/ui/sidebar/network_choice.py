"""The choice of the network that reads the drawings."""

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.recognition.predictor import DEFAULT
from mnist_app.results import accuracy_text
from mnist_app.runs.run import find_run
from mnist_app.ui import listing, loaded_networks
from mnist_app.ui.listing import RUN_PREFIX, Listing
from mnist_app.ui.loaded_networks import Choice
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import current_session

_WIDGET = "network"  # the key of the select box, and the name of the query parameter


def current_choice() -> Choice | None:
    """Return the network that reads the drawing, or None if there isn't one yet or it is broken."""
    labels = _labels(listing.current())
    if not labels:
        return None
    key = _key(labels)
    _tell_if_gone(key)
    try:
        return loaded_networks.predictor_for(key)
    except (InputError, OSError):
        return None  # the sidebar says why


def render(there: Listing) -> Choice | None:
    """Draw the select box and return the chosen network, or say that there is no network."""
    labels = _labels(there)
    if not labels:
        st.info(_("There is no network yet: train one in the Train tab."))
        return None
    key = _select(labels)
    current_session().page.network = key
    if key == _default(labels):
        st.query_params.pop(_WIDGET, None)
    else:
        st.query_params[_WIDGET] = key
    try:
        return loaded_networks.predictor_for(key)
    except (InputError, OSError) as error:
        st.error(escaped(error))
        return None


def _labels(there: Listing) -> dict[str, str]:
    """Return the networks' labels by key: those in training first, then the others, best first."""
    labels = {
        f"{RUN_PREFIX}{run.id}": _("{name} · training now").format(name=run.name)
        for run in there.in_training
    }
    return labels | {
        info.name: f"{info.name} · {accuracy_text.short_text(info)} · "
        f"{info.parameters / 1000:,.0f} k · {info.dataset}"
        for info in there.networks
    }


def _select(labels: dict[str, str]) -> str:
    # Only replace a value that is not an option: setting it on every rerun would undo a choice that
    # is on its way.
    if st.session_state.get(_WIDGET) not in labels:
        st.session_state[_WIDGET] = _key(labels)
    return st.selectbox(
        _("Network"),
        list(labels),
        format_func=labels.__getitem__,
        key=_WIDGET,
        help=_(
            "Name, test accuracy, parameters, data set. Best first, by the lower end of the "
            "{level} interval of the test accuracy. A network whose training was stopped has no "
            "test accuracy yet: it comes last, with its validation accuracy."
        ).format(level="95%"),
    )


def _key(labels: dict[str, str]) -> str:
    """Return what was chosen, else what is in the URL, else the default: one of the options.

    The last choice is also kept in the session, because a page may still send an old label.
    """
    default = _default(labels)
    chosen = st.session_state.get(_WIDGET)
    if isinstance(chosen, str) and chosen in labels:
        return chosen
    wanted = current_session().page.network or st.query_params.get(_WIDGET) or default
    if wanted not in labels:
        wanted = _result_of(wanted) if wanted.startswith(RUN_PREFIX) else default
    return wanted if wanted in labels else default


def _tell_if_gone(key: str) -> None:
    """Say so if the chosen network was deleted and another one reads instead."""
    page = current_session().page
    chosen = page.network
    if chosen and chosen != key and not chosen.startswith(RUN_PREFIX):
        if st.session_state.get(_WIDGET) == chosen:
            text = _("The network {deleted} was deleted; now using {used}.")
            st.toast(text.format(deleted=chosen, used=key))
        page.network = key


def _default(labels: dict[str, str]) -> str:
    results = (key for key in labels if not key.startswith(RUN_PREFIX))
    return DEFAULT if DEFAULT in labels else next(results, next(iter(labels)))


def _result_of(key: str) -> str:
    """Return the name of the result that a run ended with, "" if there isn't one."""
    run = find_run(key.removeprefix(RUN_PREFIX))
    return ((run.log.end or {}).get("name") if run else None) or ""
