"""Which addresses may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from .errors import ConfigError

HTTP_HOSTS = "CELLMAGE_HTTP_HOSTS"
"""The environment variable that names hosts to which plain http is allowed."""


def host_of(base_url: str) -> str:
    """The host and port of an address.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        parts = urlsplit(base_url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_plain = False
    # A password or a key in the address would be shown wherever the address is.
    if not is_plain or "@" in base_url or parts.query or parts.fragment:
        raise ConfigError(
            "the base URL (OPENAI_BASE_URL, or --base-url) must look like "
            "http://localhost:8000/v1, with no name, password or key in it"
        )
    return parts.netloc.lower()


def is_here(base_url: str) -> bool:
    """Whether an address is on this machine.

    Example:
        >>> is_here("http://localhost:1/v1"), is_here("http://127.0.0.2/v1"), is_here("http://a/v1")
        (True, True, False)
    """
    name = urlsplit(base_url).hostname or ""
    return name == "localhost" or name.endswith(".localhost") or _is(name, "is_loopback")


def check_address(base_url: str, environ: Mapping[str, str]) -> None:
    """Refuse to send a prompt, and perhaps a key, where it does not belong.

    Raises:
        ConfigError: the address is that of a cloud's metadata, or plain http to another machine.
    """
    host, parts = host_of(base_url), urlsplit(base_url)
    if _is(parts.hostname or "", "is_link_local"):
        raise ConfigError(f"{host} is a link-local address, where no model is", host=host)
    allowed = environ.get(HTTP_HOSTS, "").lower().replace(",", " ").split()
    if parts.scheme == "http" and not is_here(base_url) and host not in allowed:
        raise ConfigError(
            f"plain http to {host} would show prompts and keys to the network; use https, "
            f"or allow it: set {HTTP_HOSTS}={host}",
            host=host,
        )


def _is(name: str, what: str) -> bool:
    try:
        return bool(getattr(ip_address(name), what))
    except ValueError:
        return False
