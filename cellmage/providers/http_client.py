"""The HTTP client of the SDK: one for each event loop, with an allow-list of headers."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any
from weakref import WeakKeyDictionary

# All that a server needs, and the mark by which the SDK knows that we want the raw body. It would
# also send organisation, project and custom headers from the environment, and the platform of
# this machine, to every base URL.
_HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "user-agent", "x-stainless-raw-response",
}  # fmt: skip
_OPENAI_HEADERS = _HEADERS | {"openai-organization", "openai-project"}

_sdk: list[Any] = []
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


async def load_sdk() -> Any:
    """Import and return the SDK.

    The import takes half a second; in a thread, other answers on this loop continue meanwhile.
    """
    if not _sdk:
        _sdk.append(await asyncio.to_thread(importlib.import_module, "openai"))
    return _sdk[0]


def http_client(sdk: Any) -> Any:
    """Return the HTTP client of the running event loop; no other loop can use its connections.

    Args:
        sdk: the module that `load_sdk` returns.
    """
    # A client refers to its loop, so a closed loop would never leave the dictionary by itself.
    for loop in [loop for loop in _clients if loop.is_closed()]:
        del _clients[loop]
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, event_hooks={"request": [_strip_headers]}
        )
    return _clients[loop]


async def _strip_headers(request: Any) -> None:
    """Remove every header that is not in the allow-list."""
    allowed = _OPENAI_HEADERS if request.url.host == "api.openai.com" else _HEADERS
    for name in [name for name in request.headers if name.lower() not in allowed]:
        del request.headers[name]
