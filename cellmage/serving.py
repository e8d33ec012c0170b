"""Any configured model behind an OpenAI-compatible endpoint, for programs that speak to those.

``python -m cellmage serve`` runs it on this machine alone; `app` is the ASGI application.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .conversation import chosen
from .errors import CellmageError, UsageError
from .events import Complete, Event, Reasoning, Start, Token, ToolCall
from .messages import Call, Message, Options, Request, Role, Usage
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
    "tool": "tool",
}  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
            body = await _body(http)
            stream = _stream(body, own)
        except CellmageError as error:
            return _failed(error)
        return await _answer(stream, body)

    async def models(http: HTTPRequest) -> Response:
        names = ["default", "offline/tour", "offline/echo", "offline/tools"]
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
        body = _parsed(await http.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError("the request is not a JSON object")
    return body


def _parsed(data: bytes) -> Any:
    """What the JSON says, as it can be sent on: with no half of a character, and no infinity."""
    text = json.dumps(json.loads(data.decode()), ensure_ascii=False, allow_nan=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _stream(body: Mapping[str, Any], own: Options) -> ResponseStream:
    """The answer that a body asks for, not begun."""
    model, tools = body.get("model"), _tools(body)
    more = ("tool_choice", "parallel_tool_calls") if tools else ()
    asked = Options(
        model=None if model in (None, "default") else str(model),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        params={name: body[name] for name in more if body.get(name) is not None},
    )
    provider, resolved = chosen(Options.resolve(asked, own))
    messages = tuple(map(_message, _list(body, "messages")))
    if not messages or messages[-1].role not in ("user", "tool"):
        raise UsageError("messages must end with one of the user or of a tool")
    _check_calls(messages)
    request = Request(messages, replace(resolved, system=None), tools=tools)
    return ResponseStream(request, provider)


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The functions that the model may ask for, as they are given."""
    found = [_at(each, "function") for each in _list(body, "tools")]
    for each in found:
        name = _at(each, "name")
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise UsageError("a tool needs a function with a name of letters, digits, _ and -")
        if not isinstance(each.get("parameters", {}), dict):
            raise UsageError(f"the parameters of the tool {name} are no JSON schema")
    return tuple(found)


def _message(each: Any) -> Message:
    role, content, call_id = (_at(each, name) for name in ("role", "content", "tool_call_id"))
    known = _ROLES.get(str(role))
    if known is None:
        raise UsageError("a message needs a role: system, user, assistant or tool")
    calls = tuple(map(_call, _list(each, "tool_calls"))) if known == "assistant" else ()
    call_id = call_id if known == "tool" else ""
    if not isinstance(call_id, str):
        raise UsageError("a message of a tool needs a tool_call_id")
    return Message(known, _text("" if calls and content is None else content), calls, call_id)


def _text(content: Any) -> str:
    parts = [_at(part, "text") for part in content] if isinstance(content, list) else [content]
    if not all(isinstance(part, str) for part in parts):
        raise UsageError("the content of a message must be text")
    return "".join(parts)


def _call(each: Any) -> Call:
    given = [_at(each, "id"), _at(each, "function", "name"), _at(each, "function", "arguments")]
    if not all(isinstance(part, str) for part in given):
        raise UsageError("each of tool_calls needs an id, and a function's name and arguments")
    return Call(*given)


def _check_calls(messages: Iterable[Message]) -> None:
    """Refuse a result that nothing asks for, and a request that is left without its result."""
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.call_id not in waiting:
                raise UsageError(f"no message before it asks for the call {message.call_id!r}")
            waiting.remove(message.call_id)
        elif waiting:
            break
        else:
            waiting = [call.id for call in message.calls]
    if waiting:
        raise UsageError(f"no message of a tool answers the call {waiting[0]!r}")


def _at(value: Any, *names: str) -> Any:
    """What stands in JSON under these names, each within the one before; None for nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list | None):
        raise UsageError(f"{name} must be a list")
    return found or []


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
    usage = bool(_at(body, "stream_options", "include_usage"))
    return StreamingResponse(_chunks(first, events, stream, usage), media_type="text/event-stream")


async def _chunks(
    first: list[Event], events: AsyncGenerator[Event, None], stream: ResponseStream, usage: bool
) -> AsyncGenerator[str, None]:
    form = _Chunks(stream)
    async with aclosing(events):
        for event in first:
            yield form.of(event)
        try:
            async for event in events:
                yield form.of(event)
        except CellmageError as error:
            yield _data(_error(error))
            return
    if usage and stream.response.usage:
        yield _data({**_head(stream, "chat.completion.chunk"), "choices": [],
                     "usage": _usage(stream.response.usage)})  # fmt: skip
    yield "data: [DONE]\n\n"


class _Chunks:
    """Events of one answer as chunks; what they have in common is written once."""

    def __init__(self, stream: ResponseStream) -> None:
        head = json.dumps(_head(stream, "chat.completion.chunk"))
        self._begin = f'data: {head[:-1]}, "choices": [{{"index": 0, "delta": '
        self._ids: set[str] = set()
        self._has_tools = bool(stream.request.tools)

    def of(self, event: Event) -> str:
        """The chunk; events that OpenAI's form has no place for are comments."""
        match event:
            case Token():
                return self._chunk(f'{{"content": {json.dumps(event.text)}}}')
            case Reasoning():
                return self._chunk(f'{{"reasoning_content": {json.dumps(event.text)}}}')
            case Start():
                return self._chunk('{"role": "assistant", "content": ""}')
            case ToolCall() if self._has_tools:
                call = {"index": len(self._ids), **_asked(event, self._ids)}
                return self._chunk(json.dumps({"tool_calls": [call]}))
            case Complete(reason):
                usual = "tool_calls" if self._ids else "stop"
                return self._chunk("{}", json.dumps(reason or usual))
        return f": {json.dumps(asdict(event))}\n\n"

    def _chunk(self, delta: str, reason: str = "null") -> str:
        return f'{self._begin}{delta}, "finish_reason": {reason}}}]}}\n\n'


def _asked(call: ToolCall | Call, ids: set[str]) -> dict[str, Any]:
    """A call with an id of its own, which is put to the others: some servers give one to all."""
    name = call.id if call.id and call.id not in ids else uuid4().hex[:9]  # as Mistral's are
    ids.add(name)
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": name, "type": "function", "function": function}


def _whole(stream: ResponseStream) -> dict[str, Any]:
    response, ids = stream.response, set[str]()
    rounds = response.rounds if stream.request.tools else ()
    calls = [_asked(call, ids) for each in rounds for call in each.calls]
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if calls:
        message |= {"content": response.text or None, "tool_calls": calls}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    reason = response.finish_reason or ("tool_calls" if calls else "stop")
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"usage": _usage(response.usage)} if response.usage else {}
    return {**_head(stream, "chat.completion"), "choices": [choice], **usage}


def _head(stream: ResponseStream, kind: str) -> dict[str, Any]:
    model = stream.request.options.model
    return {"id": stream.id, "object": kind, "created": int(time.time()), "model": model}


def _usage(usage: Usage) -> dict[str, int]:
    asked, answered = usage.input_tokens or 0, usage.output_tokens or 0
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _failed(error: CellmageError) -> JSONResponse:
    return JSONResponse(_error(error), status_code=_STATUS.get(error.kind, 502))


def _error(error: CellmageError) -> dict[str, Any]:
    return {"error": {"message": str(error), "type": error.kind, "code": error.kind}}


def _data(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
