"""The address at which others on the network can open the app."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

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


def own_address() -> str | None:
    """Return this machine's address on the network, such as 192.168.1.5; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ANYWHERE, 9))
            found = probe.getsockname()[0]
        except OSError:
            return None
    return None if ip_address(found).is_loopback else found


def for_others(url: str) -> str | None:
    """Return the page's address for other machines, without its query and fragment.

    Args:
        url: the page's address as the browser has it.
    Returns:
        None if `url` is local (localhost, 127.0.0.1) and this machine has no network.
    """
    parts = urlsplit(url)
    given = parts.hostname or ""
    host = given if is_reached_by_others(given) else own_address()
    if not host:
        return None
    place = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, place + port, parts.path, "", ""))
