"""Parse a chat-completions request into a `ResponseStream`; refuse what is not supported."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest

from ..errors import ConfigError, UsageError
from ..foreign_files import parse_json
from ..messages import Message, Request, Role, ToolInvocation
from ..options import Options
from ..pipeline import build
from ..providers.registry import resolve_models
from ..stream.response_stream import ResponseStream
from ..text import join_surrogates, truncate

_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool",
}  # fmt: skip

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

# The fields that are sent to the model's own server unchanged.
_PASSTHROUGH = (
    "response_format", "stop", "seed", "top_p", "presence_penalty", "frequency_penalty",
    "reasoning_effort", "logit_bias",
)  # fmt: skip
_PASSTHROUGH_WITH_TOOLS = (*_PASSTHROUGH, "tool_choice", "parallel_tool_calls")


MAX_BODY_BYTES = 20 * 2**20
"""The largest request."""

BODY_SECONDS = 30
"""The time in which a request must arrive."""

_MAX_NAME_CHARS = 100


class TooLargeError(UsageError):
    """The request is larger than `MAX_BODY_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"the request is larger than {MAX_BODY_BYTES // 2**20} MiB")


async def read_body(http: HTTPRequest) -> Mapping[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        UsageError: the content type is not JSON, or the body is not a JSON object, too large, or
            too slow.
    """
    # A web page of another site can send other content types without a CORS preflight.
    content_type = http.headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        raise UsageError("the request must be application/json")
    data = await _read_limited(http)
    try:
        body = _parse(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UsageError("the request is not a JSON object")
    return body


def _parse(data: bytes) -> Any:
    """Parse JSON that can be sent on: without lone surrogates, and without infinity and NaN."""
    text = json.dumps(parse_json(data.decode()), ensure_ascii=False, allow_nan=False)
    return parse_json(join_surrogates(text))


async def _read_limited(http: HTTPRequest) -> bytes:
    """Return the body; a client that sends too much, or too slowly, is not waited for."""
    announced = http.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MAX_BODY_BYTES:
        raise TooLargeError
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in http.stream():
                data += chunk
                if len(data) > MAX_BODY_BYTES:
                    raise TooLargeError
    except TimeoutError:
        raise UsageError(f"the request did not arrive within {BODY_SECONDS} s") from None
    except ClientDisconnect:
        raise UsageError("the client has left") from None
    return bytes(data)


def check_model(body: Mapping[str, Any], models: Collection[str]) -> None:
    """Refuse a model that this server was not started with: it may be a file, or cost money.

    Raises:
        ConfigError: there is no such model here; its kind is ``not_found``.
    """
    model = body.get("model")
    names = [name.strip() for name in str("default" if model is None else model).split(",")]
    for name in names:
        if name not in models:
            shown = truncate(name, _MAX_NAME_CHARS)
            message = f"there is no model {shown} here; GET /v1/models lists those that are"
            raise ConfigError(message, kind="not_found")


def build_stream(body: Mapping[str, Any], defaults: Options) -> ResponseStream:
    """Return the answer to a request; nothing is sent before it is read.

    Args:
        body: the parsed body.
        defaults: the options that the request does not set.

    Raises:
        UsageError: a field has a value that is not supported.
        ConfigError: the model has no key or no address.

    Example:
        >>> body = {"model": "offline/echo", "messages": [{"role": "user", "content": "Hello"}]}
        >>> "".join(build_stream(body, Options()))
        'Hello'
    """
    tools = _tools(body)
    options = Options.resolve(_options(body, has_tools=bool(tools)), defaults)
    models = resolve_models(options)
    options = replace(options, system=None, model=",".join(model.model for model in models))
    messages = tuple(map(_message, _get_list(body, "messages")))
    _check_messages(messages)
    return ResponseStream(Request(messages, options, tools=tools), build(models))


def _options(body: Mapping[str, Any], has_tools: bool) -> Options:
    model = body.get("model")
    passthrough = _PASSTHROUGH_WITH_TOOLS if has_tools else _PASSTHROUGH
    return Options(
        model=None if model in (None, "default") else str(model),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        extra_body={name: body[name] for name in passthrough if body.get(name) is not None},
    )


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the schemas of the tools."""
    schemas = [get_path(tool, "function") for tool in _get_list(body, "tools")]
    for schema in schemas:
        name = get_path(schema, "name")
        if not (isinstance(name, str) and _TOOL_NAME.fullmatch(name)):
            raise UsageError("a tool needs a function with a name of letters, digits, _ and -")
        if not isinstance(schema.get("parameters", {}), dict):
            raise UsageError(f"the parameters of the tool {name} are not a JSON schema")
    return tuple(schemas)


# Messages.


def _message(item: Any) -> Message:
    role = _ROLES.get(str(get_path(item, "role")))
    if role is None:
        raise UsageError("a message needs a role: system, user, assistant or tool")
    calls = tuple(map(_tool_call, _get_list(item, "tool_calls"))) if role == "assistant" else ()
    call_id = get_path(item, "tool_call_id") if role == "tool" else ""
    if not isinstance(call_id, str):
        raise UsageError("a tool message needs a tool_call_id")
    content = get_path(item, "content")
    if role == "assistant" and content is None:  # a refusal, tool calls alone, or nothing at all
        content = get_path(item, "refusal") or ""
    return Message(role, _text(content), calls, call_id)


def _text(content: Any) -> str:
    parts = [get_path(part, "text") for part in content] if isinstance(content, list) else [content]
    if not all(isinstance(part, str) for part in parts):
        raise UsageError("the content of a message must be text")
    return "".join(parts)


def _tool_call(item: Any) -> ToolInvocation:
    paths = (("id",), ("function", "name"), ("function", "arguments"))
    fields = [get_path(item, *path) for path in paths]
    if not all(isinstance(field, str) for field in fields):
        raise UsageError("each of tool_calls needs an id, and a function's name and arguments")
    return ToolInvocation(*fields)


def _check_messages(messages: Iterable[Message]) -> None:
    """Refuse messages that no model can answer."""
    roles = [message.role for message in messages]
    if "user" not in roles or roles[-1] not in ("user", "tool"):
        raise UsageError("messages must contain one of the user, and end with user or tool")
    _check_results(messages)


def _check_results(messages: Iterable[Message]) -> None:
    """Refuse a result without its call before it, and a call without its result after it."""
    open_ids: list[str] = []
    for message in messages:
        if message.role == "tool":
            call_id = message.tool_call_id
            if call_id not in open_ids:
                raise UsageError(f"no message before it makes the call {call_id!r}")
            open_ids.remove(call_id)
        elif open_ids:
            break
        else:
            open_ids = [call.id for call in message.tool_calls]
    if open_ids:
        raise UsageError(f"no tool message has the result of the call {open_ids[0]!r}")


# JSON.


def get_path(value: Any, *names: str) -> Any:
    """Return the value at a path of names in JSON objects; None if it does not exist.

    Example:
        >>> get_path({"a": {"b": 1}}, "a", "b"), get_path({"a": 5}, "a", "b")
        (1, None)
    """
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _get_list(value: Mapping[str, Any], name: str) -> list[Any]:
    items = value.get(name)
    if not isinstance(items, list | None):
        raise UsageError(f"{name} must be a list")
    return items or []
