"""The way in for other devices: the page's address on the network, as text and QR code."""

from html import escape

import segno
import streamlit as st

from mnist_app import network

_STYLE = """<style>.join img { width: 100%; max-width: 16rem; display: block; border-radius: .5rem;
image-rendering: pixelated; } .join p { margin: .5rem 0 0; word-break: break-all; }
</style>"""


def show() -> None:
    """Draw it, where other devices can reach the app at all."""
    if not network.is_reached_by_others(st.get_option("server.address")):
        return
    panel = st.expander("Join with a phone", key="join", icon=":material/qr_code_2:")
    address = network.for_others(st.context.url or "")
    with panel:
        if address is None:
            st.caption("This machine is on no network: join one, and reload the page.")
            return
        picture = f'<img src="{_picture(address)}" alt="QR code of {escape(address)}">'
        st.html(f'{_STYLE}<div class="join">{picture}<p>{escape(address)}</p></div>')


@st.cache_data(max_entries=20, show_spinner=False)
def _picture(address: str) -> str:
    """The QR code of an address as a data URL, with the four modules of white that readers need."""
    return segno.make(address, error="m", micro=False).png_data_uri(scale=8, border=4)
