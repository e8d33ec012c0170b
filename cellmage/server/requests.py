"""The body of a request as the answer that it asks for; what cannot be asked is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HTTPRequest

from ..pipeline import build
from ..providers.registry import resolve_models
from ..errors import UsageError
from ..messages import Message, Request, Role, ToolInvocation
from ..options import Options
from ..stream.response_stream import ResponseStream

_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


# What goes on to the model's own server as it is.
_PASSED = (
    "response_format", "stop", "seed", "top_p", "presence_penalty", "frequency_penalty",
    "reasoning_effort", "logit_bias",
)  # fmt: skip
_WITH_TOOLS = ("tool_choice", "parallel_tool_calls")


async def body_of(http: HTTPRequest) -> Mapping[str, Any]:
    """The JSON object that a request holds.

    Raises:
        UsageError: it holds none.
    """
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


def stream_of(body: Mapping[str, Any], own: Options) -> ResponseStream:
    """The answer that a body asks for, not begun.

    Raises:
        UsageError: something in it cannot be asked.
        ConfigError: the model has no key or no address.
    """
    model, tools = body.get("model"), _tools(body)
    more = (*_PASSED, *_WITH_TOOLS) if tools else _PASSED
    asked = Options(
        model=None if model in (None, "default") else str(model),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        extra_body={name: body[name] for name in more if body.get(name) is not None},
    )
    resolved = Options.resolve(asked, own)
    models = resolve_models(resolved)
    resolved = replace(resolved, system=None, model=",".join(model.model for model in models))
    messages = tuple(map(_message, _list(body, "messages")))
    roles = [message.role for message in messages]
    if "user" not in roles or roles[-1] not in ("user", "tool"):
        raise UsageError("messages must have one of the user, and end with it or one of a tool")
    _check_calls(messages)
    return ResponseStream(Request(messages, resolved, tools=tools), build(models))


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The functions that the model may ask for, as they are given."""
    found = [at(each, "function") for each in _list(body, "tools")]
    for each in found:
        name = at(each, "name")
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise UsageError("a tool needs a function with a name of letters, digits, _ and -")
        if not isinstance(each.get("parameters", {}), dict):
            raise UsageError(f"the parameters of the tool {name} are no JSON schema")
    return tuple(found)


def _message(each: Any) -> Message:
    role, content, call_id = (at(each, name) for name in ("role", "content", "tool_call_id"))
    known = _ROLES.get(str(role))
    if known is None:
        raise UsageError("a message needs a role: system, user, assistant or tool")
    calls = tuple(map(_call, _list(each, "tool_calls"))) if known == "assistant" else ()
    call_id = call_id if known == "tool" else ""
    if not isinstance(call_id, str):
        raise UsageError("a message of a tool needs a tool_call_id")
    return Message(known, _text("" if calls and content is None else content), calls, call_id)


def _text(content: Any) -> str:
    parts = [at(part, "text") for part in content] if isinstance(content, list) else [content]
    if not all(isinstance(part, str) for part in parts):
        raise UsageError("the content of a message must be text")
    return "".join(parts)


def _call(each: Any) -> ToolInvocation:
    given = [at(each, "id"), at(each, "function", "name"), at(each, "function", "arguments")]
    if not all(isinstance(part, str) for part in given):
        raise UsageError("each of tool_calls needs an id, and a function's name and arguments")
    return ToolInvocation(*given)


def _check_calls(messages: Iterable[Message]) -> None:
    """Refuse a result that nothing asks for, and a request that is left without its result."""
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise UsageError(f"no message before it asks for the call {message.tool_call_id!r}")
            waiting.remove(message.tool_call_id)
        elif waiting:
            break
        else:
            waiting = [call.id for call in message.tool_calls]
    if waiting:
        raise UsageError(f"no message of a tool answers the call {waiting[0]!r}")


def at(value: Any, *names: str) -> Any:
    """What stands in JSON under these names, each within the one before; None for nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list | None):
        raise UsageError(f"{name} must be a list")
    return found or []
