"""Load a page for a prompt: http(s) alone, from public hosts, within bounds.

The name of the host is resolved once, each address is judged, and the connection is made to the
address that was judged. So no name can lead to a host of the own network.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from ..errors import UsageError
from ..runtime.time_limit import run_within
from ..text import excerpt, spell_out
from .files import MAX_BYTES, FileData

SECONDS = 20.0
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 2**16
_REDIRECTS = {301, 302, 303, 307, 308}
_DEFAULT_PORTS = {"http": 80, "https": 443}

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/x-ipynb+json": ".ipynb",
    "application/vnd.apache.parquet": ".parquet",
}

_EMBEDDED = [(ip_network("64:ff9b::/96"), 0), (ip_network("2002::/16"), 80)]
"""Networks of IPv6 whose addresses contain one of IPv4, and how far right its bits are."""

Judge = Callable[[IPv4Address | IPv6Address], bool]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the public internet.

    Example:
        >>> [is_public(ip_address(text)) for text in ("8.8.8.8", "10.0.0.1", "169.254.169.254")]
        [True, False, False]
        >>> is_public(ip_address("::ffff:127.0.0.1")), is_public(ip_address("64:ff9b::7f00:1"))
        (False, False)
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or next(
            (
                IPv4Address(int(address) >> shift & 0xFFFFFFFF)
                for network, shift in _EMBEDDED
                if address in network
            ),
            None,
        )
        if inner is not None:
            return is_public(inner)
        if address.scope_id or address.is_site_local:
            return False
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_special


def download(url: str, is_allowed: Judge = is_public, seconds: float = SECONDS) -> FileData:
    """Load the file at an address.

    Args:
        url: its address, http or https.
        is_allowed: judges an address of the network.
        seconds: the longest time.

    Raises:
        UsageError: the address is refused, does not answer, answers with an error, leads to
            another host, or its file is larger than 20 MB.
    """
    address = excerpt(spell_out(url))
    try:
        return run_within(seconds, lambda: _load(url, is_allowed, time.monotonic() + seconds))
    except TimeoutError:
        raise UsageError(f"{address}: it took longer than {seconds:g} s") from None
    except (OSError, HTTPException, ValueError) as error:
        raise UsageError(f"{address}: {_describe_problem(error)}") from None


def _describe_problem(error: Exception) -> str:
    if isinstance(error, UsageError):
        return str(error)
    return next(text for kind, text in _PROBLEMS.items() if isinstance(error, kind))


_PROBLEMS: Mapping[type[Exception], str] = {
    socket.gaierror: "there is no such host; check the address",
    ssl.SSLError: "no secure connection can be made; is its certificate valid?",
    OSError: "the connection failed or was lost; run the cell again",
    HTTPException: "the server's answer cannot be read",
    ValueError: "it is no address of a page",
}


def _load(url: str, is_allowed: Judge, deadline: float) -> FileData:
    host = _split(url).hostname
    for _ in range(_MAX_REDIRECTS):
        parts = _split(url)
        if parts.hostname != host:
            raise UsageError(
                f"it leads to another host, {excerpt(spell_out(parts.hostname or ''))}; "
                "attach that address if you mean it"
            )
        with (
            closing(_connect(parts, is_allowed, deadline)) as connection,
            _request(connection, parts) as response,
        ):
            target = response.getheader("Location")
            if response.status not in _REDIRECTS or not target:
                return _read(response, parts)
        url = urljoin(url, target)
    raise UsageError("it leads from one address to the next")


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    is_plain = parts.scheme in _DEFAULT_PORTS and parts.hostname and "@" not in parts.netloc
    if not is_plain or any(char <= " " or char == "\x7f" for char in url):
        raise UsageError("only http and https addresses without a password are loaded")
    return parts


def _connect(parts: SplitResult, is_allowed: Judge, deadline: float) -> HTTPConnection:
    """Return a connection to the judged address of a host."""
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in entries]
    if not addresses or not all(is_allowed(ip_address(address)) for address in addresses):
        raise UsageError("it is not a public host; load it yourself, and attach the file")
    seconds = max(0.1, deadline - time.monotonic())
    sock = socket.create_connection((addresses[0], port), timeout=seconds)
    connection = HTTPConnection(host, port, timeout=seconds)
    if parts.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        connection = HTTPSConnection(host, port, timeout=seconds)
    connection.sock = sock
    return connection


def _request(connection: HTTPConnection, parts: SplitResult) -> HTTPResponse:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    headers = {"User-Agent": "cellmage", "Accept": "*/*", "Accept-Encoding": "identity"}
    connection.request("GET", path + query, headers=headers)
    return connection.getresponse()


def _read(response: HTTPResponse, parts: SplitResult) -> FileData:
    if response.status != 200:
        raise UsageError(f"the server answered {response.status}")
    data = bytearray()
    while chunk := response.read(_CHUNK_BYTES):
        data += chunk
        if len(data) > MAX_BYTES:
            raise UsageError(f"it is larger than {MAX_BYTES // 2**20} MB")
    path = PurePosixPath(unquote(parts.path))
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(kind) or path.suffix.lower()
    return FileData(path.name or parts.hostname or "page", bytes(data), suffix)
