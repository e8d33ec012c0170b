"""What stands before every request: the name of this machine, the key, and a free place."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import CellmageError, UsageError
from .errors import error_response

MAX_REQUESTS = 500
"""The requests that are answered at the same time."""

_PORT = re.compile(r":\d*$")
_SCHEME = re.compile(r"bearer +", re.IGNORECASE)
_TOO_BUSY = 503


class Guard:
    """Middleware (ASGI) that refuses requests to other host names, without the key, or too many.

    Starlette's own check of host names answers in plain text.

    Args:
        app: the application behind it.
        hosts: the host names, in lower case; ``"*"`` is any.
        api_key: the key; "" lets every request pass.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], api_key: str) -> None:
        self._app = app
        self._hosts = hosts
        self._api_key = api_key.encode()
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and (
            refusal := self._refusal(Headers(scope=scope), scope["path"])
        ):
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    def _refusal(self, headers: Headers, path: str) -> Response | None:
        """Return the response to a request that is not passed on; None passes it on."""
        if not self._is_our_name(headers.get("host", "")):
            names = ", ".join(self._hosts)
            error = UsageError(f"the host is not one of this server's: {names}")
            return error_response(error, path)
        if not self._has_key(headers):
            message = (
                "this server needs its key, as the header Authorization: Bearer KEY, or x-api-key"
            )
            refused = CellmageError(message, kind="auth")
            return error_response(refused, path, headers={"www-authenticate": "Bearer"})
        if self._running >= MAX_REQUESTS:
            busy = CellmageError("too many requests at once; ask again", kind="rate_limited")
            return error_response(busy, path, _TOO_BUSY, {"retry-after": "1"})
        return None

    def _is_our_name(self, host: str) -> bool:
        """Return whether a request is to this server, not to a page's name that resolves to it."""
        return "*" in self._hosts or _PORT.sub("", host).lower() in self._hosts

    def _has_key(self, headers: Headers) -> bool:
        header = headers.get("authorization", "")
        key = header[scheme.end() :] if (scheme := _SCHEME.match(header)) else ""
        key = key or headers.get("x-api-key", "")  # Anthropic's header
        # In constant time: the time of a comparison must not tell how much of a key is right.
        return not self._api_key or hmac.compare_digest(key.encode(), self._api_key)
