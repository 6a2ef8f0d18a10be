"""The app as a server runs it: the page, the one-time setup, and the middleware for requests."""

import asyncio
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mnist_app.common import memory, settings
from mnist_app.ui.server import rerun_queue, streamlit_internals
from mnist_app.ui.server.host_names import OwnNamesOnly
from mnist_app.ui.server.uploads import UploadLimits

PAGE = Path(__file__).resolve().parents[1] / "page.py"


def middleware() -> tuple[Middleware, ...]:
    """What every request passes. Behind a proxy, its headers say who the browser is."""
    proxies = settings.valid_or_none(settings.proxies)
    unproxied = (Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies),) if proxies else ()
    return *unproxied, Middleware(OwnNamesOnly), Middleware(UploadLimits)


MIDDLEWARE = middleware()


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Set up this process for a server, before the first session."""
    memory.give_back_freed_memory()
    rerun_queue.install()
    streamlit_internals.install()
    if not st.get_option("server.headless"):
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, own_url())
    yield


def own_url() -> str:
    """Return the page's address for a browser on this machine."""
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    address = st.get_option("server.address") or ""
    if address in ("", "0.0.0.0", "::"):  # noqa: S104, compared
        address = "localhost"
    host = f"[{address}]" if ":" in address else address
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{scheme}://{host}:{st.get_option('server.port')}/{path}"
