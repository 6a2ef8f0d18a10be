"""The address at which others on the network can open the app."""

import socket
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

_ANYWHERE = "192.0.2.1"  # reserved for documentation; only the route to it is looked up


def is_reached_by_others(address: str | None) -> bool:
    """Return whether other machines can reach a server that listens on this address.

    Args:
        address: as in Streamlit's `server.address`; None or "" means all addresses.
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
    """Return this machine's address on the network, such as 192.168.1.5; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ANYWHERE, 9))
            found = probe.getsockname()[0]
        except OSError:
            return None
    return None if ip_address(found).is_loopback else found


def for_others(url: str, configured: str | None = None) -> str | None:
    """Return the page's address for other machines, without its query and fragment.

    Args:
        url: the page's address as the browser has it.
        configured: the address that someone set: a host, a host with a port, or a URL. The scheme,
            port or path that it leaves out is taken from `url`.
    Returns:
        None if `url` is local (localhost, 127.0.0.1), no address is set, and this machine has no
        network.
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
    """Join a host and a port as a URL does."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}" if port else bracketed
