"""How others on the network reach the app."""

import socket
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

_ANYWHERE = "192.0.2.1"  # reserved for documentation: the way there is asked for, nothing is sent


def is_reached_by_others(address: str | None) -> bool:
    """Whether a server that listens on this address can be reached from another machine.

    Args:
        address: as in Streamlit's server.address; None or "" for all addresses.
    """
    if not address:
        return True
    try:
        return not ip_address(address).is_loopback
    except ValueError:
        return address.lower() != "localhost"


def is_secure_context(url: str) -> bool:
    """Return whether browsers treat a page at this URL as secure, and give it the camera.

    That is every page over https, and pages of this machine: under localhost, a name that ends in
    .localhost, or a loopback address such as 127.0.0.1 or [::1]. A malformed URL is not secure.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket without its counterpart
        return False
    host = (parts.hostname or "").rstrip(".")
    is_own = host.endswith(".localhost") or not is_reached_by_others(host)
    return parts.scheme == "https" or (parts.scheme == "http" and is_own)


def own_address() -> str | None:
    """This machine's address on the network, as 192.168.1.5; None where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ANYWHERE, 9))
            found = probe.getsockname()[0]
        except OSError:
            return None
    return None if ip_address(found).is_loopback else found


def for_others(url: str, configured: str | None = None) -> str | None:
    """The address of the page that another machine can open, without what is chosen on it.

    Args:
        url: the address as the browser on this machine has it.
        configured: the address that was set by hand: a host, a host with a port, or a URL. What
            it leaves out, the scheme, the port or the path, is taken from `url`.
    """
    parts = urlsplit(url)
    if configured:
        return _completed(configured, parts)
    given = parts.hostname or ""
    host = given if is_reached_by_others(given) else own_address()
    if not host:
        return None
    return urlunsplit((parts.scheme, _place(host, parts.port), parts.path, "", ""))


def _completed(configured: str, page: SplitResult) -> str:
    """A configured address as a URL."""
    if "//" in configured:
        parts = urlsplit(configured)
        return urlunsplit((parts.scheme or page.scheme, parts.netloc, parts.path or "/", "", ""))
    parts = urlsplit(f"//{configured}")
    place = _place(parts.hostname or "", parts.port or page.port)
    return urlunsplit((page.scheme, place, parts.path or page.path, "", ""))


def _place(host: str, port: int | None) -> str:
    """A host and a port as they stand in a URL."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}" if port else bracketed
