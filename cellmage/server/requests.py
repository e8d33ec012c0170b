"""Make a `ResponseStream` of a chat-completions request; refuse what is not supported."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError, UsageError
from ..messages import Message, Request, Role, ToolInvocation
from ..options import EFFORTS, Options
from ..pipeline import build
from ..providers.registry import resolve_models
from ..stream.response_stream import ResponseStream
from ..text import truncate
from .contents import read_content
from .fields import PASSTHROUGH, PASSTHROUGH_WITH_TOOLS, get_list, get_path

_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool",
}  # fmt: skip

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_MAX_NAME_CHARS = 100


def check_model(body: Mapping[str, Any], models: Collection[str]) -> None:
    """Refuse a model that this server was not started with: it may be a file, or cost money.

    Raises:
        ConfigError: this server does not have the model; its kind is ``not_found``.
    """
    for name in map(str.strip, (body.get("model") or "default").split(",")):
        if name not in models:
            text = truncate(name, _MAX_NAME_CHARS)
            message = f"there is no model {text} here; the list v1/models has those that are"
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
    messages = tuple(map(_message, get_list(body, "messages")))
    _check_messages(messages)
    return ResponseStream(Request(messages, options, tools=tools), build(models))


def _options(body: Mapping[str, Any], has_tools: bool) -> Options:
    model = body.get("model")
    passthrough = PASSTHROUGH_WITH_TOOLS if has_tools else PASSTHROUGH
    sent_on = {name: body[name] for name in passthrough if body.get(name) is not None}
    # Each API of a model's server has its own word for the effort.
    is_known = sent_on.get("reasoning_effort") in EFFORTS
    return Options(
        model=None if model in (None, "", "default") else model,
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        effort=sent_on.pop("reasoning_effort") if is_known else None,
        extra_body=sent_on,
    )


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the schemas of the tools."""
    schemas = [get_path(tool, "function") for tool in get_list(body, "tools")]
    for schema in schemas:
        name = get_path(schema, "name")
        if not (isinstance(name, str) and _TOOL_NAME.fullmatch(name)):
            raise UsageError(
                "each of tools needs a function with a name of letters, digits, _ and -"
            )
        if not isinstance(schema.get("parameters", {}), dict):
            raise UsageError(f"the parameters of the tool {name} are not a JSON schema")
    return tuple(schemas)


# Messages.


def _message(item: Any) -> Message:
    role = _ROLES.get(str(get_path(item, "role")))
    if role is None:
        raise UsageError("a message needs a role: system, user, assistant or tool")
    calls = tuple(map(_tool_call, get_list(item, "tool_calls"))) if role == "assistant" else ()
    call_id = get_path(item, "tool_call_id") if role == "tool" else ""
    if not isinstance(call_id, str):
        raise UsageError("a tool message needs a tool_call_id")
    content = get_path(item, "content")
    if role == "assistant" and content is None:  # a refusal, tool calls alone, or nothing at all
        content = get_path(item, "refusal") or ""
    return Message(role, read_content(content, role), calls, call_id)


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
