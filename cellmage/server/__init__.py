"""Serve any configured model to other programs, by the APIs of OpenAI and Anthropic.

``python -m cellmage serve`` serves this machine alone. `app` is the ASGI application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import CellmageError, ConfigError
from ..events import Complete, Event, Reasoning, Token
from ..options import Options
from ..providers.registry import list_registered
from ..stream.response_stream import ResponseStream
from ..text import truncate
from .apis import API, APIS
from .body import TooLargeError, read_body
from .chat_answer import encode_model
from .encoding import AnswerEncoder
from .errors import error_response
from .fields import CHAT_FIELDS, check_fields
from .guard import Guard
from .requests import build_stream, check_model

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""The names of this machine. A web page whose own name resolves to this machine is refused."""

_BUILT_IN_MODELS = ("default", "offline/tour", "offline/echo", "offline/tools")

_MAX_NAME_CHARS = 100
_TOO_LARGE = 413
_CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that left; nobody reads it."""


def app(
    options: Options | None = None,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    *,
    models: Sequence[str] = (),
    api_key: str = "",
) -> Starlette:
    """Return the application: ``POST`` at the paths of `APIS`, ``GET /v1/models`` and one of them.

    Tools are sent to the model, and its calls are sent back to the client; nothing runs here.

    Args:
        options: the options of every request that does not set its own, and the model for
            requests that name ``default``.
        hosts: the host names under which it may be requested; ``("*",)`` allows any.
        models: the names of further models that may be requested.
        api_key: the key that each request must have, as ``Authorization: Bearer KEY`` or
            ``x-api-key: KEY``; "" for none.

    Example:
        >>> application = app(Options(model="offline/echo"))
        >>> [route.path for route in application.routes]
        ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/models', \
'/v1/models/{name:path}']
    """
    defaults = options or Options()
    names = _model_names(defaults, models)

    routes = [*(_answer_route(api, names, defaults) for api in APIS), *_model_routes(names)]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=hosts, api_key=api_key)],
        exception_handlers={HTTPException: _refuse_address, Exception: _hide_error},
    )


def _answer_route(api: API, names: Sequence[str], defaults: Options) -> Route:
    """Return the address of the answers of an API."""

    async def answer(http: HTTPRequest) -> Response:
        try:
            body = await read_body(http)
            chat_body = api.to_chat(body)
            check_fields(chat_body, CHAT_FIELDS)
            check_model(chat_body, names)
            stream = build_stream(chat_body, defaults)
        except TooLargeError as error:
            # The rest of the body is not read, so the connection cannot be used again.
            return error_response(error, api.path, _TOO_LARGE, {"connection": "close"})
        except CellmageError as error:
            return error_response(error, api.path)
        return await _respond(http, stream, api, body)

    return Route(api.path, answer, methods=["POST"])


def _model_routes(names: Sequence[str]) -> list[Route]:
    """Return the addresses of the list of models, and of each model in it."""

    async def models(http: HTTPRequest) -> Response:
        return JSONResponse({"object": "list", "data": [encode_model(name) for name in names]})

    async def model(http: HTTPRequest) -> Response:
        name = http.path_params["name"]
        if name in names:
            return JSONResponse(encode_model(name))
        message = f"there is no model {truncate(name, _MAX_NAME_CHARS)} in the list v1/models"
        return error_response(ConfigError(message, kind="not_found"))

    return [Route("/v1/models", models), Route("/v1/models/{name:path}", model)]


def _model_names(defaults: Options, models: Sequence[str]) -> list[str]:
    """Return the names of the models that a request may name."""
    names = [name.strip() for name in (defaults.model or "").split(",")]
    return list(
        dict.fromkeys([*_BUILT_IN_MODELS, *filter(None, names), *models, *list_registered()])
    )


async def _hide_error(http: HTTPRequest, error: Exception) -> Response:
    """Return an error of our own code without its text, which may name files of this machine."""
    failure = CellmageError("the server failed; its log has the error")
    return error_response(failure, http.url.path, 500)


async def _refuse_address(http: HTTPRequest, error: Exception) -> Response:
    """Return the error of an address or a method that is not served, as JSON."""
    paths = ", ".join(api.path for api in APIS)
    refusal = ConfigError(
        f"this server answers POST at {paths}, and GET at /v1/models", kind="not_found"
    )
    status = error.status_code if isinstance(error, HTTPException) else None
    return error_response(refusal, http.url.path, status)


async def _respond(
    http: HTTPRequest, stream: ResponseStream, api: API, body: Mapping[str, Any]
) -> Response:
    """Return the answer, complete or streamed.

    The status line is sent after the first token, so that a failure before it has an HTTP status.
    """
    events, is_streamed = stream.aevents(), bool(body.get("stream"))
    beginning = asyncio.create_task(_read_until_first_token(events, is_streamed))
    disconnect = asyncio.create_task(_wait_for_disconnect(http))
    await asyncio.wait([beginning, disconnect], return_when=asyncio.FIRST_COMPLETED)
    if not beginning.done():
        beginning.cancel()  # which closes the connection to the model
        await asyncio.wait([beginning])
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    disconnect.cancel()
    try:
        first_events = beginning.result()
    except CellmageError as error:
        return error_response(error, api.path)
    if not is_streamed:
        return JSONResponse(api.encode(stream))
    texts = _encode(first_events, events, api.encoder(stream, body))
    return StreamingResponse(texts, media_type="text/event-stream")


async def _read_until_first_token(
    events: AsyncGenerator[Event, None], is_streamed: bool
) -> list[Event]:
    """Return the events up to the first token; all of them for an answer that is not streamed."""
    first_events: list[Event] = []
    async for event in events:
        first_events.append(event)
        if is_streamed and isinstance(event, Token | Reasoning | Complete):
            break
    return first_events


async def _wait_for_disconnect(http: HTTPRequest) -> None:
    """Return when the client has closed its connection."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def _encode(
    first_events: list[Event], events: AsyncGenerator[Event, None], encoder: AnswerEncoder
) -> AsyncGenerator[str, None]:
    """Yield the body of a streamed answer; the client's leaving closes it, and so the events."""
    async with aclosing(events):
        for event in first_events:
            yield encoder.encode(event)
        try:
            async for event in events:
                yield encoder.encode(event)
        except CellmageError as error:
            yield encoder.fail(error)
            return
    yield encoder.end()
