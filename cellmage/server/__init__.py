"""Any configured model behind an OpenAI-compatible endpoint, for programs that speak to those.

``python -m cellmage serve`` runs it on this machine alone; `app` is the ASGI application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import CellmageError
from ..events import Complete, Event, Reasoning, Token
from ..options import Options
from ..providers.registry import list_registered
from ..stream.response_stream import ResponseStream
from .requests import at, body_of, stream_of
from .responses import Chunks, data, usage_chunk, whole

HERE = ("localhost", "127.0.0.1", "[::1]")
"""The names of this machine. A web page that points its own name here is refused."""

# The kinds of our errors as HTTP statuses; anything else is the fault of what is behind us.
_STATUS = {
    "usage": 400, "bad_request": 400, "context_length": 400, "config": 400, "auth": 401,
    "quota": 402, "permission": 403, "not_found": 404, "rate_limited": 429, "stalled": 504,
}  # fmt: skip


def app(options: Options | None = None, hosts: tuple[str, ...] = HERE) -> Starlette:
    """The application: ``POST /v1/chat/completions`` and ``GET /v1/models``.

    Tools go to the model with the request, and what it asks for goes back; nothing is run here.

    Args:
        options: of every request, where it sets none of its own; the model of those that name
            ``default``.
        hosts: the names by which it may be asked for; ``("*",)`` allows any.

    Example:
        >>> made = app(Options(model="offline/echo"))
        >>> [route.path for route in made.routes]
        ['/v1/chat/completions', '/v1/models']
    """
    own = options or Options()

    async def completions(http: HTTPRequest) -> Response:
        try:
            body = await body_of(http)
            stream = stream_of(body, own)
        except CellmageError as error:
            return _failed(error)
        return await _answer(http, stream, body)

    async def models(http: HTTPRequest) -> Response:
        names = ["default", "offline/tour", "offline/echo", "offline/tools", *list_registered()]
        data = [{"id": name, "object": "model", "owned_by": "cellmage"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    routes = [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/models", models),
    ]
    allowed = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=routes, middleware=[allowed])


async def _answer(http: HTTPRequest, stream: ResponseStream, body: Mapping[str, Any]) -> Response:
    """Whole, or as events; what fails before its first word has an HTTP status of its own."""
    events, is_streamed = stream.aevents(), bool(body.get("stream"))
    begun = asyncio.create_task(_begin(events, is_streamed))
    gone = asyncio.create_task(_gone(http))
    await asyncio.wait([begun, gone], return_when=asyncio.FIRST_COMPLETED)
    if not begun.done():
        begun.cancel()  # which closes the connection to the model
        await asyncio.wait([begun])
        return Response(status_code=499)  # nobody reads it
    gone.cancel()
    try:
        first = begun.result()
    except CellmageError as error:
        return _failed(error)
    if not is_streamed:
        return JSONResponse(whole(stream))
    usage = bool(at(body, "stream_options", "include_usage"))
    return StreamingResponse(_chunks(first, events, stream, usage), media_type="text/event-stream")


async def _begin(events: AsyncGenerator[Event, None], is_streamed: bool) -> list[Event]:
    """The events up to the first word, or all of them."""
    first: list[Event] = []
    async for event in events:
        first.append(event)
        if is_streamed and isinstance(event, Token | Reasoning | Complete):
            break
    return first


async def _gone(http: HTTPRequest) -> None:
    """Wait until the client has gone."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def _chunks(
    first: list[Event], events: AsyncGenerator[Event, None], stream: ResponseStream, usage: bool
) -> AsyncGenerator[str, None]:
    form = Chunks(stream)
    async with aclosing(events):
        for event in first:
            yield form.of(event)
        try:
            async for event in events:
                yield form.of(event)
        except CellmageError as error:
            yield data(_error(error))
            return
    if usage and stream.response.usage:
        yield usage_chunk(stream, stream.response.usage)
    yield "data: [DONE]\n\n"


def _failed(error: CellmageError) -> JSONResponse:
    return JSONResponse(_error(error), status_code=_STATUS.get(error.kind, 502))


def _error(error: CellmageError) -> dict[str, Any]:
    line = " ".join(str(error).split())
    return {"error": {"message": line, "type": error.kind, "code": error.kind}}
