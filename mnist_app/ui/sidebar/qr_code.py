"""The way in for other devices: the page's address on the network, as text and QR code."""

from html import escape

import segno
import streamlit as st

from mnist_app.common import network_address

# A click makes the picture as large as the window, for those in the last row.
_STYLE = """<style>.join img { width: 100%; max-width: 16rem; display: block; border-radius: .5rem;
image-rendering: pixelated; cursor: zoom-in; } .join p { margin: .5rem 0 0; word-break: break-all; }
.join small { opacity: .7; } .join img:focus { position: fixed; inset: 2vmin 0 auto; margin: auto;
width: 84vmin; max-width: none; height: 84vmin; z-index: 1000000; outline: 100vmax solid #000c; }
.join img:focus + p { position: fixed; inset: auto 0 2vmin; z-index: 1000001; text-align: center;
font-size: min(6vmin, 3.4vw); color: #fff; }</style>"""


def render() -> None:
    """Draw it, where other devices can reach the app at all."""
    if not network_address.is_reached_by_others(st.get_option("server.address")):
        return
    panel = st.expander("Join with a phone", key="join", icon=":material/qr_code_2:")
    address = network_address.for_others(st.context.url or "")
    with panel:
        if address is None:
            st.caption("This machine is on no network: join one, and reload the page.")
            return
        picture = f'<img tabindex="0" src="{_picture(address)}" alt="QR code of {escape(address)}">'
        hint = "<small>A click enlarges it for the whole room, one beside it ends that.</small>"
        st.html(f'{_STYLE}<div class="join">{picture}<p>{escape(address)}</p>{hint}</div>')


@st.cache_data(max_entries=20, show_spinner=False)
def _picture(address: str) -> str:
    """The QR code of an address as a data URL, with the four modules of white that readers need."""
    return segno.make(address, error="m", micro=False).png_data_uri(scale=8, border=4)
