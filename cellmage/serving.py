"""Any configured model behind an OpenAI-compatible endpoint, for programs that speak to those.

``python -m cellmage serve`` runs it on this machine alone; `app` is the ASGI application.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .conversation import chosen
from .errors import CellmageError, UsageError
from .events import Complete, Event, Reasoning, Start, Token
from .messages import Message, Options, Request, Role, Usage
from .stream import ResponseStream

HERE = ("localhost", "127.0.0.1", "[::1]")
"""The names of this machine. A web page that points its own name here is refused."""

# The kinds of our errors as HTTP statuses; anything else is the fault of what is behind us.
_STATUS = {
    "usage": 400, "bad_request": 400, "context_length": 400, "config": 400, "auth": 401,
    "quota": 402, "permission": 403, "not_found": 404, "rate_limited": 429, "stalled": 504,
}  # fmt: skip


_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
}  # fmt: skip


def app(options: Options | None = None, hosts: tuple[str, ...] = HERE) -> Starlette:
    """The application: ``POST /v1/chat/completions`` and ``GET /v1/models``.

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
            body = await _body(http)
            stream = _stream(body, own)
        except CellmageError as error:
            return _failed(error)
        return await _answer(stream, body)

    async def models(http: HTTPRequest) -> Response:
        names = ["default", "offline/tour", "offline/echo"]
        data = [{"id": name, "object": "model", "owned_by": "cellmage"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    routes = [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/models", models),
    ]
    allowed = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=routes, middleware=[allowed])


async def _body(http: HTTPRequest) -> Mapping[str, Any]:
    # A web page elsewhere can send other kinds without asking the browser's leave.
    if http.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise UsageError("the request must be application/json")
    try:
        body = json.loads(await http.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError("the request is not a JSON object")
    return body


def _stream(body: Mapping[str, Any], own: Options) -> ResponseStream:
    """The answer that a body asks for, not begun."""
    model = body.get("model")
    asked = Options(
        model=None if model in (None, "default") else str(model),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
    )
    provider, resolved = chosen(Options.resolve(asked, own))
    messages = tuple(_message(each) for each in body.get("messages") or ())
    if not messages or messages[-1].role != "user":
        raise UsageError("messages must end with one of the user")
    return ResponseStream(Request(messages, replace(resolved, system=None)), provider)


def _message(each: Any) -> Message:
    role, content = (each.get("role"), each.get("content")) if isinstance(each, dict) else (0, 0)
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    known = _ROLES.get(str(role))
    if known is None or not isinstance(content, str):
        raise UsageError("a message needs a role (system, user, assistant) and text")
    return Message(known, content)


async def _answer(stream: ResponseStream, body: Mapping[str, Any]) -> Response:
    """Whole, or as events; what fails before its first word has an HTTP status of its own."""
    events = stream.aevents()
    first: list[Event] = []
    try:
        async for event in events:
            first.append(event)
            if body.get("stream") and isinstance(event, Token | Reasoning | Complete):
                break
    except CellmageError as error:
        return _failed(error)
    if not body.get("stream"):
        return JSONResponse(_whole(stream))
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    chunks = _chunks(first, events, stream, usage)
    return StreamingResponse(chunks, media_type="text/event-stream")


async def _chunks(
    first: list[Event], events: AsyncGenerator[Event, None], stream: ResponseStream, usage: bool
) -> AsyncGenerator[str, None]:
    async with aclosing(events):
        for event in first:
            yield _chunk(event, stream)
        try:
            async for event in events:
                yield _chunk(event, stream)
        except CellmageError as error:
            yield _data(_error(error))
            return
    if usage and stream.response.usage:
        yield _data({**_head(stream, "chat.completion.chunk"), "choices": [],
                     "usage": _usage(stream.response.usage)})  # fmt: skip
    yield "data: [DONE]\n\n"


def _chunk(event: Event, stream: ResponseStream) -> str:
    """An event as a chunk; those that OpenAI's form has no place for are comments."""
    delta: dict[str, str] = {}
    reason = None
    match event:
        case Start():
            delta = {"role": "assistant", "content": ""}
        case Token():
            delta = {"content": event.text}
        case Reasoning():
            delta = {"reasoning_content": event.text}
        case Complete():
            reason = event.finish_reason or "stop"
        case _:
            return f": {json.dumps(asdict(event))}\n\n"
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _data({**_head(stream, "chat.completion.chunk"), "choices": [choice]})


def _whole(stream: ResponseStream) -> dict[str, Any]:
    response = stream.response
    message = {"role": "assistant", "content": response.text}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    choice = {"index": 0, "message": message, "finish_reason": response.finish_reason or "stop"}
    usage = {"usage": _usage(response.usage)} if response.usage else {}
    return {**_head(stream, "chat.completion"), "choices": [choice], **usage}


def _head(stream: ResponseStream, kind: str) -> dict[str, Any]:
    model = stream.request.options.model
    return {"id": stream.id, "object": kind, "created": int(time.time()), "model": model}


def _usage(usage: Usage) -> dict[str, int]:
    asked, answered = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _failed(error: CellmageError) -> JSONResponse:
    return JSONResponse(_error(error), status_code=_STATUS.get(error.kind, 502))


def _error(error: CellmageError) -> dict[str, Any]:
    return {"error": {"message": str(error), "type": error.kind, "code": error.kind}}


def _data(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
