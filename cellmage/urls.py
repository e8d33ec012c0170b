"""Validate base URLs: the form of the address, and the hosts to which a request may be sent."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from .errors import ConfigError

HTTP_HOSTS = "CELLMAGE_HTTP_HOSTS"
"""The environment variable that names hosts to which plain http is allowed."""


def host_of(base_url: str) -> str:
    """Return the host and port of a base URL, in lower case.

    Args:
        base_url: such as ``https://api.openai.com/v1``.

    Raises:
        ConfigError: the URL cannot be used: no http(s), no host, or it contains a user name, a
            password, a query or a fragment.

    Example:
        >>> host_of("http://LocalHost:8000/v1")
        'localhost:8000'
    """
    try:
        parts = urlsplit(base_url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    # A password or a key in the URL would be shown wherever the URL is shown.
    if not is_valid or "@" in base_url or parts.query or parts.fragment:
        raise ConfigError(
            "the base URL (OPENAI_BASE_URL, or `base_url`) must look like "
            "http://localhost:8000/v1, with no name, password or key in it",
            option="base_url",
        )
    return parts.netloc.lower()


def is_loopback(base_url: str) -> bool:
    """Return whether a URL is one of this machine.

    Example:
        >>> urls = ("http://localhost:1/v1", "http://127.0.0.2/v1", "http://a/v1")
        >>> [is_loopback(url) for url in urls]
        [True, True, False]
    """
    hostname = urlsplit(base_url).hostname or ""
    if hostname == "localhost" or hostname.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    address = _parse_ip(hostname)
    return address is not None and address.is_loopback


def check_base_url(base_url: str, environ: Mapping[str, str]) -> None:
    """Refuse a base URL to which neither a prompt nor a key should be sent.

    Args:
        base_url: the URL of a server.
        environ: where ``CELLMAGE_HTTP_HOSTS`` is read from.

    Raises:
        ConfigError: the host is a link-local address (a cloud's metadata service), or the URL is
            plain http to another machine.
    """
    host, parts = host_of(base_url), urlsplit(base_url)
    address = _parse_ip(parts.hostname or "")
    if address is not None and address.is_link_local:
        raise ConfigError(f"{host} is a link-local address, where no model is", host=host)
    allowed = environ.get(HTTP_HOSTS, "").lower().replace(",", " ").split()
    if parts.scheme == "http" and not is_loopback(base_url) and host not in allowed:
        raise ConfigError(
            f"plain http to {host} would show prompts and keys to the network; use https, "
            f"or allow it: set {HTTP_HOSTS}={host}",
            host=host,
        )


def _parse_ip(hostname: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(hostname)
    except ValueError:
        return None
