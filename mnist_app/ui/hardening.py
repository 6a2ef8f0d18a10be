"""What Streamlit lets any browser do to all, and this app does not."""

import streamlit as st
from streamlit import config, net_util
from streamlit.runtime.app_session import AppSession

from mnist_app import network

_HOSTS = ["localhost", "127.0.0.1", "::1"]


def close() -> None:
    """Close it on this server; cheap to repeat.

    A browser may not clear what all sessions share, nor have the server ask the internet for its
    own address. A server for this machine alone answers to its names alone, so that a page from
    elsewhere whose name was turned to this machine finds nothing; the option server.allowedHosts
    goes first.
    """
    AppSession._handle_clear_cache_request = _refuse
    net_util.get_external_ip = _unknown
    is_for_others = network.is_reached_by_others(st.get_option("server.address"))
    if not is_for_others and not st.get_option("server.allowedHosts"):
        config.set_option("server.allowedHosts", _HOSTS)


def _refuse(_session: AppSession) -> None:
    """Every session's networks would have to be loaded again."""


def _unknown() -> None:
    """Nothing depends on it."""
