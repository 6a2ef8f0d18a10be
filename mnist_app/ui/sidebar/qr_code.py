"""How other devices reach the app: the page's address on the network, as text and QR code."""

import segno
import streamlit as st

from mnist_app.common import network_address, settings
from mnist_app.common.translation import _
from mnist_app.figures.templating import from_template
from mnist_app.ui import style


def render() -> None:
    """Draw the address and its QR code, if other devices can reach the app at all."""
    configured = settings.valid_or_none(settings.public_address)
    if not (configured or network_address.is_reached_by_others(st.get_option("server.address"))):
        return
    panel = st.expander(_("Join with a phone"), key="join", icon=":material/qr_code_2:")
    address = network_address.for_others(st.context.url or "", configured)
    with panel:
        if address is None:
            st.caption(_("This machine is not on a network: join one, and reload the page."))
            return
        code = from_template(
            "figures/templates/join.html", address=address, picture=_picture(address)
        )
        st.html(style.sheet("join") + code)


@st.cache_data(max_entries=20, show_spinner=False)
def _picture(address: str) -> str:
    """Return the QR code of an address as a data URL.

    It has the white margin of four modules that readers need.
    """
    return segno.make(address, error="m", micro=False).png_data_uri(scale=8, border=4)
