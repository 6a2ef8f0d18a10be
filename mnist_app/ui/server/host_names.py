"""The host names that a server for this machine alone answers to."""

from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_app.common import network_address, settings

OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_REFUSAL = (
    "This server answers to localhost and 127.0.0.1 alone: behind a proxy, set MNIST_APP_ADDRESS "
    "to the address that browsers use."
)


class OwnNamesOnly:
    """ASGI middleware against DNS rebinding: it refuses requests to any name but `OWN_NAMES`.

    Otherwise a foreign page could point its own name at this machine and read from the server. The
    middleware does nothing if others can reach the server. It also does nothing if the option
    server.allowedHosts is set, because Streamlit then checks the names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        is_for_others = network_address.is_reached_by_others(st.get_option("server.address"))
        self._answers_to_all = is_for_others or bool(st.get_option("server.allowedHosts"))
        self._names = {*OWN_NAMES, _public_name()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] in ("http", "websocket") and not self._is_for_us(scope):
            await PlainTextResponse(_REFUSAL, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_for_us(self, scope: Scope) -> bool:
        name = _name_in(Headers(scope=scope).get("host", ""))
        return self._answers_to_all or (name is not None and name in self._names)


def _public_name() -> str | None:
    """The host in MNIST_APP_ADDRESS: behind a proxy, browsers ask for that one."""
    address = settings.valid_or_none(settings.public_address)
    return _name_in(address.rpartition("//")[2].partition("/")[0]) if address else None


def _name_in(host: str) -> str | None:
    """Return the name in a Host header without the port, or None if there isn't one."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:  # an unmatched bracket
        return None
    return name.rstrip(".") if name else None
