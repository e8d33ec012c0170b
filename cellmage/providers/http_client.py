"""The HTTP clients of the SDK: their proxies, certificates and headers."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import ConfigError
from .keys import Secret, is_handle, key_for
from .proxies import find_proxy

# All that a server needs, and the mark by which the SDK knows that we want the raw body. It would
# also send organisation, project and custom headers from the environment, and the platform of
# this machine, to every base URL.
_HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "user-agent", "x-stainless-raw-response", "anthropic-version",
}  # fmt: skip
_OPENAI_HEADERS = _HEADERS | {"openai-organization", "openai-project"}

# The variables that name authorities besides the system's, in the order in which they are read.
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True, repr=False)
class _Route:
    """The way to a server: requests with the same one share a client.

    Args:
        proxy: the URL of the proxy, which may contain a password; None for a direct connection.
        is_plain: True if no certificate is checked on the way, because nothing is encrypted.
        certificates: the values of the variables that name authorities.
    """

    proxy: Secret | None
    is_plain: bool
    certificates: tuple[str | None, ...]


class ConnectionUse:
    """Notes whether a request was sent on a connection that an earlier request has left open.

    Such a connection may have been closed by the server just then. Like curl, we then send the
    request again on a new one.

    Attributes:
        was_reused: True if the request was sent on such a connection.
    """

    def __init__(self) -> None:
        self.was_reused = False
        self._is_new = False
        current_use.set(self)

    async def trace(self, event: str, info: object) -> None:
        """Take note of an event of the HTTP library: its extension "trace"."""
        if event.startswith("connection.connect"):
            self._is_new = True
        elif event.endswith("send_request_headers.started"):
            self.was_reused = not self._is_new


current_use: ContextVar[ConnectionUse | None] = ContextVar("connection_use", default=None)
"""What notes the connection of the request that the running task sends."""

HeadListener = Callable[[int, Mapping[str, str]], Awaitable[None]]
"""A function of the status and the headers of a reply, awaited before its body is read."""

head_listener: ContextVar[HeadListener | None] = ContextVar("head_listener", default=None)
"""What is told of the heads of replies to the requests that the running task sends."""


class _Clients:
    """The clients of one event loop, which are closed with it: no other can use their connections.

    ``asyncio.run`` closes each async generator that the loop has started. So a generator that holds
    the clients is told of the loop's end, for which asyncio has no other hook.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._by_route: dict[_Route, Any] = {}
        self._lock = asyncio.Lock()
        self._holder = self._hold()

    async def start(self) -> None:
        """Let the running loop close the clients at its end."""
        # In a task: a generator that starts inside a `Nested` one is not told to the loop.
        await asyncio.create_task(self._start())

    async def _start(self) -> None:
        await anext(self._holder)

    async def find(self, sdk: Any, route: _Route) -> Any:
        """Return the client for a route."""
        async with self._lock:
            if route not in self._by_route:
                # The certificates take too long for the loop's thread.
                self._by_route[route] = await asyncio.to_thread(_make_client, sdk, route)
            return self._by_route[route]

    async def close(self) -> None:
        """Close every client, with its connections."""
        await self._holder.aclose()

    async def _hold(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            for client in self._by_route.values():
                await client.aclose()


_sdk: list[Any] = []
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()

_CLOSE_SECONDS = 1.0


async def load_sdk() -> Any:
    """Import and return the SDK.

    The import takes half a second; in a thread, other answers on this loop continue meanwhile.
    """
    if not _sdk:
        _sdk.append(await asyncio.to_thread(_import_sdk))
    return _sdk[0]


def _import_sdk() -> Any:
    """Import the SDK, with what it and its HTTP library import only at the first request."""
    importlib.import_module("anyio._backends._asyncio")
    sdk = importlib.import_module("openai")
    unused = sdk.DefaultAsyncHttpxClient(trust_env=False, verify=False)
    client = sdk.AsyncOpenAI(api_key="none", base_url="http://localhost", http_client=unused)
    _ = client.models.with_raw_response
    return sdk


async def http_client(sdk: Any, base_url: str) -> Any:
    """Return the HTTP client for a server in the running event loop; it is closed with the loop.

    Args:
        sdk: the module that `load_sdk` returns.
        base_url: the URL of the server.

    Raises:
        ConfigError: the environment names a proxy or a file of certificates that cannot be used.
    """
    # A client refers to its loop, so a closed loop would never leave the dictionary by itself.
    for loop in [loop for loop in _clients if loop.is_closed()]:
        del _clients[loop]
    loop = asyncio.get_running_loop()
    if (clients := _clients.get(loop)) is None:
        clients = _clients[loop] = _Clients()
        await clients.start()
    return await clients.find(sdk, _find_route(base_url))


def _make_client(sdk: Any, route: _Route) -> Any:
    return sdk.DefaultAsyncHttpxClient(
        trust_env=False,
        proxy=route.proxy.reveal() if route.proxy else None,
        verify=not route.is_plain and _authorities(),
        follow_redirects=False,
        event_hooks={"request": [_edit_headers, _note_connection], "response": [_report_head]},
    )


@atexit.register
def _close_clients() -> None:
    """Close the clients of the background loop, which never ends."""
    for loop, clients in list(_clients.items()):
        if clients.process == os.getpid() and loop.is_running():
            with suppress(Exception):
                closing = asyncio.run_coroutine_threadsafe(clients.close(), loop)
                closing.result(_CLOSE_SECONDS)


def _find_route(base_url: str) -> _Route:
    proxy = find_proxy(base_url)
    proxy_url = proxy.url if proxy else None
    urls = (base_url, proxy_url.reveal() if proxy_url else "")
    is_plain = not any(url.startswith("https:") for url in urls)
    names = () if is_plain else _CERTIFICATE_VARIABLES
    return _Route(proxy_url, is_plain, tuple(os.environ.get(name) for name in names))


def _authorities() -> ssl.SSLContext | bool:
    """Return what the HTTP library shall trust: the environment's authorities, or True for its own.

    The library would read the variables itself, but it takes the proxies from there as well.
    """
    name = next((name for name in _CERTIFICATE_VARIABLES if os.environ.get(name)), None)
    if name is None:
        return True
    path = Path(os.environ[name])
    if not path.exists():
        raise ConfigError(f"{name} names {path}, which does not exist; correct it, or remove it")
    try:
        folder, file = (path, None) if path.is_dir() else (None, path)
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:  # `ssl.SSLError` is one
        detail = error.strerror or type(error).__name__
        raise ConfigError(f"{name} names {path}, which has no certificates ({detail})") from None


async def _edit_headers(request: Any) -> None:
    """Remove every header that is not in the allow-list, and put the key where its handle is.

    The header of the key has the name that Azure gives it, where the query is Azure's.
    """
    allowed = _OPENAI_HEADERS if request.url.host == "api.openai.com" else _HEADERS
    for name in [name for name in request.headers if name.lower() not in allowed]:
        del request.headers[name]
    scheme, _, handle = request.headers.get("authorization", "").partition(" ")
    if is_handle(handle):
        del request.headers["authorization"]
        if key := key_for(handle, str(request.url)):
            request.headers["authorization"] = f"{scheme} {key.reveal()}"
    # The addresses of Azure's deployments, which have this query, take a key in this header alone.
    if "api-version" in request.url.params and "authorization" in request.headers:
        request.headers["api-key"] = request.headers.pop("authorization").removeprefix("Bearer ")
    # So has the Messages API.
    if "anthropic-version" in request.headers and "authorization" in request.headers:
        request.headers["x-api-key"] = request.headers.pop("authorization").removeprefix("Bearer ")


async def _note_connection(request: Any) -> None:
    if (use := current_use.get()) is not None:
        request.extensions = {**request.extensions, "trace": use.trace}


async def _report_head(response: Any) -> None:
    if (listener := head_listener.get()) is not None:
        await listener(response.status_code, response.headers)
