"""What stands before every request: the key, and a time limit for clients that do not read."""

from __future__ import annotations

import asyncio
import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEND_SECONDS = 60
"""The time in which a client must take a piece of an answer."""


class Guard:
    """Middleware (ASGI) that refuses requests without the key, and leaves clients that do not read.

    Args:
        app: the application behind it.
        api_key: the key; "" lets every request pass.
    """

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode() if api_key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        if scope["type"] == "http" and not self._is_allowed(Headers(scope=scope)):
            await _refusal()(scope, receive, send_in_time)
        else:
            await self._app(scope, receive, send_in_time)

    def _is_allowed(self, headers: Headers) -> bool:
        given = headers.get("authorization", "").encode()
        # In constant time: the time of a comparison must not tell how much of a key is right.
        return not self._expected or hmac.compare_digest(given, self._expected)


def _refusal() -> JSONResponse:
    message = "this server needs its key, as the header Authorization: Bearer KEY"
    body = {"error": {"message": message, "type": "auth", "code": "auth"}}
    return JSONResponse(body, 401, {"www-authenticate": "Bearer"})
