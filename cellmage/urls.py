"""Base URLs: the address that is used, and the hosts to which a request may be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .errors import ConfigError

HTTP_HOSTS = "CELLMAGE_HTTP_HOSTS"
"""The environment variable that names hosts to which plain http is allowed."""


# What users paste behind a base URL: the path of one of its endpoints.
_ENDPOINT_PATH = re.compile(
    r"/(?:chat/completions|completions|embeddings|responses|messages)$"
    r"|(?:(?<=\d)|(?<=/openai))/(?:chat|models)$",
    re.IGNORECASE,
)

# Blanks, quotes, punctuation and invisible characters, which are copied with an address.
_AROUND = " \t\r\n\u00a0\u200b\ufeff\"'`<>“”‘’,;"
_TWO_SCHEMES = re.compile(r"^https?://(?=https?://)", re.IGNORECASE)
_DEFAULT_PORTS: Mapping[str, str] = {"http": ":80", "https": ":443"}

# Where a server listens on every interface, as its log prints it; requests need a host.
_EVERY_INTERFACE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def normalize_base_url(base_url: str) -> str:
    """Return the base URL that is used for an address as users type or paste it.

    Blanks and quotes around it, repeated slashes and the path of an endpoint are removed; an
    address of this machine may lack ``http://``.

    Args:
        base_url: such as ``https://api.openai.com/v1``. The query ``api-version`` of Azure's
            deployments is kept.

    Raises:
        ConfigError: the URL cannot be used: no http(s), no host, or it contains a user name, a
            password, a fragment or another query.

    Example:
        >>> normalize_base_url("localhost:1234/v1/ ")
        'http://localhost:1234/v1'
        >>> normalize_base_url("https://LLM.example.org//v1/chat/completions")
        'https://llm.example.org/v1'
    """
    text = _TWO_SCHEMES.sub("", base_url.strip(_AROUND))
    if "://" not in text and is_loopback(f"http://{text}"):
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _unusable() from None
    # A password or a key in the URL would be shown wherever the URL is shown.
    is_safe = "@" not in text and not parts.fragment and _is_version_query(parts.query)
    if not is_valid or not is_safe or not text.isprintable() or " " in text:
        raise _unusable()
    host = parts.netloc.lower().removesuffix(":").removesuffix(_DEFAULT_PORTS[parts.scheme])
    for address, loopback in _EVERY_INTERFACE.items():
        host = re.sub(rf"^{re.escape(address)}(?=:|$)", loopback, host)
    path = _ENDPOINT_PATH.sub("", re.sub(r"//+", "/", parts.path).rstrip("/"))
    return urlunsplit((parts.scheme, host, path, parts.query, ""))


def _is_version_query(query: str) -> bool:
    return not query or re.fullmatch(r"api-version=[\w.-]{1,40}", query) is not None


def _unusable() -> ConfigError:
    return ConfigError(
        "the base URL (OPENAI_BASE_URL, or `base_url`) must look like http://localhost:8000/v1 or "
        "https://llm.example.org/v1, with no name, password, key or query in it",
        option="base_url",
    )


def host_of(base_url: str) -> str:
    """Return the host and port of a base URL, in lower case.

    Raises:
        ConfigError: as for `normalize_base_url`.

    Example:
        >>> host_of("http://LocalHost:8000/v1")
        'localhost:8000'
    """
    return urlsplit(normalize_base_url(base_url)).netloc


def origin_of(url: str) -> tuple[str, str, int]:
    """Return the scheme, the host and the port of a URL: what a key is bound to.

    Example:
        >>> origin_of("https://LLM.example.org/v1") == origin_of("https://llm.example.org:443/")
        True
    """
    parts = urlsplit(url)
    default = int(_DEFAULT_PORTS.get(parts.scheme, ":0")[1:])
    return parts.scheme, parts.hostname or "", parts.port or default


def split_query(base_url: str) -> tuple[str, Mapping[str, str]]:
    """Return a base URL without its query, and the query.

    Example:
        >>> split_query("https://a.example/openai/deployments/d?api-version=2024-02-01")
        ('https://a.example/openai/deployments/d', {'api-version': '2024-02-01'})
    """
    url, _, query = base_url.partition("?")
    return url, dict(parse_qsl(query))


def is_loopback(base_url: str) -> bool:
    """Return whether a URL is one of this machine.

    Example:
        >>> urls = ("http://localhost:1/v1", "http://127.0.0.2/v1", "http://a/v1")
        >>> [is_loopback(url) for url in urls]
        [True, True, False]
    """
    try:
        hostname = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    if hostname == "localhost" or hostname.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    address = _parse_ip(hostname)
    return address is not None and (address.is_loopback or address.is_unspecified)


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
