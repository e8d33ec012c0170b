"""Decide which proxy a request goes through, from the environment.

Source: the conventions of curl (``curl(1)``, "Environment") for ``HTTPS_PROXY``, ``ALL_PROXY`` and
``NO_PROXY``; on macOS and Windows also the system's settings.
"""

from __future__ import annotations

import importlib.util
import os
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import ConfigError
from ..urls import is_loopback
from .keys import Secret

_SCHEMES = ("http", "https", "socks5", "socks5h")
_SOCKS_PACKAGE = "socksio"


class Proxy(NamedTuple):
    """A proxy: its URL, which may contain a password, and the variable that names it."""

    url: Secret
    source: str


def find_proxy(base_url: str) -> Proxy | None:
    """Return the proxy for a server; None to connect to the server itself.

    A server on this machine is never asked through a proxy, which would see the key and the prompt.

    Args:
        base_url: the URL of the server.

    Raises:
        ConfigError: the proxy cannot be used, or needs a package that is not installed.
    """
    proxy = _proxy_from_environment(base_url)
    if proxy is not None:
        _check_proxy(proxy, urlsplit(base_url).netloc)
    return proxy


def _proxy_from_environment(base_url: str) -> Proxy | None:
    """Return the proxy as the environment names it."""
    parts = urlsplit(base_url)
    proxies = getproxies()
    if is_loopback(base_url) or _is_excluded(parts.hostname or "", proxies.get("no", "")):
        return None
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    if kind is None or proxy_bypass(parts.netloc):
        return None
    url = proxies[kind] if "://" in proxies[kind] else f"http://{proxies[kind]}"
    url = url.replace("socks://", "socks5://", 1)  # GNOME's settings
    return Proxy(Secret(url), _find_source(f"{kind}_proxy"))


def _is_excluded(hostname: str, no_proxy: str) -> bool:
    """Return whether NO_PROXY has an entry for a host: ``*``, ``*.domain`` or a network.

    The standard library knows the others: a host, and the domain that it ends in.
    """
    for entry in no_proxy.replace(",", " ").split():
        if entry == "*" or (entry.startswith("*.") and hostname.endswith(entry[1:].lower())):
            return True
        try:
            if ip_address(hostname) in ip_network(entry, strict=False):
                return True
        except ValueError:  # a name
            continue
    return False


def _find_source(variable: str) -> str:
    """Return the name of a variable as the environment has it, or what else sets the proxy."""
    names = (name for name in os.environ if name.lower() == variable)
    return next(names, "the system's settings")


def _check_proxy(proxy: Proxy, host: str) -> None:
    """Refuse a proxy that the HTTP library cannot use."""
    scheme = _usable_scheme(proxy.url)
    direct = f"or connect without it: set NO_PROXY={host}"
    if scheme is None:
        raise ConfigError(
            f"the proxy of {proxy.source} cannot be used; write it as http://host:port or "
            f"socks5://host:port, {direct}"
        )
    if scheme.startswith("socks") and importlib.util.find_spec(_SOCKS_PACKAGE) is None:
        raise ConfigError(
            f"{proxy.source} names a SOCKS proxy, which needs a package: "
            f"pip install {_SOCKS_PACKAGE}, {direct}"
        )


def _usable_scheme(url: Secret) -> str | None:
    """Return the scheme of a proxy's URL; None if the URL cannot be used."""
    try:
        parts = urlsplit(url.reveal())
        is_valid = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts.scheme if is_valid else None
