"""Read a request of the Messages API as one of chat completions; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..arguments import where
from ..errors import UsageError
from .contents import has_attachments
from .fields import (
    LIMIT,
    LIST,
    OBJECT,
    SHARED,
    check_fields,
    get_list,
    get_path,
    without_missing,
)

_REASONING = ("thinking", "redacted_thinking")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}

FIELDS = {
    **SHARED,
    "messages": LIST,
    "system": where("a text or a list of blocks", lambda value: isinstance(value, str | list)),
    "max_tokens": LIMIT,
    "stop_sequences": LIST,
    "tools": LIST,
    "tool_choice": OBJECT,
    "output_config": OBJECT,
}
"""The fields that are read; others, such as `thinking` and `metadata`, are ignored."""

Fields = Mapping[str, Any]


def chat_of_messages(body: Fields) -> dict[str, Any]:
    """Return the request in the form of chat completions.

    Raises:
        UsageError: a field has a value that is not supported.

    Example:
        >>> block = {"type": "text", "text": "Hello"}
        >>> chat_of_messages({"messages": [{"role": "user", "content": [block]}], "max_tokens": 9})
        {'max_tokens': 9, 'messages': [{'role': 'user', 'content': 'Hello'}]}
    """
    check_fields(body, FIELDS)
    schema = get_path(body, "output_config", "format", "schema")
    choice = body.get("tool_choice")
    is_single = get_path(choice, "disable_parallel_tool_use")
    fields = {
        **{name: body.get(name) for name in SHARED},
        "max_tokens": body.get("max_tokens"),
        "stop": body.get("stop_sequences"),
        "reasoning_effort": get_path(body, "output_config", "effort"),
        "tools": list(map(_tool, get_list(body, "tools"))) or None,
        "tool_choice": _tool_choice(choice),
        "parallel_tool_calls": False if is_single else None,
        "response_format": schema and _form(schema),
    }
    system = body.get("system")
    messages = [{"role": "system", "content": _text(system)}] if system else []
    for message in get_list(body, "messages"):
        messages += _messages(message)
    return {**without_missing(fields), "messages": messages}


def _messages(message: Any) -> Iterator[dict[str, Any]]:
    """Yield a message; the results in it are messages of their own, before it."""
    role, content = get_path(message, "role"), get_path(message, "content")
    if not isinstance(content, list):
        yield {"role": role, "content": content}
        return
    blocks = [block for block in content if get_path(block, "type") not in _REASONING]
    others = []
    for block in blocks:
        if get_path(block, "type") == "tool_result":
            call_id = block.get("tool_use_id")
            result = _text(block.get("content") or "")
            yield {"role": "tool", "tool_call_id": call_id, "content": result}
        else:
            others.append(block)
    calls = [_call(block) for block in others if get_path(block, "type") == "tool_use"]
    texts = [block for block in others if get_path(block, "type") != "tool_use"]
    if others or not blocks:
        fields = {"tool_calls": calls} if calls else {}
        yield {"role": role, "content": _text(texts), **fields}


def _text(content: Any) -> Any:
    """Return a content that has texts alone as one text."""
    if not isinstance(content, list) or has_attachments(content):
        return content
    if any(get_path(block, "type") != "text" for block in content):
        raise UsageError("the content of a message must be text")
    return "".join(str(block.get("text", "")) for block in content)


def _call(block: Fields) -> dict[str, Any]:
    arguments = json.dumps(block.get("input") or {})
    return {"id": block.get("id"), "function": {"name": block.get("name"), "arguments": arguments}}


def _tool(tool: Any) -> dict[str, Any]:
    schema = get_path(tool, "input_schema")
    if not isinstance(schema, dict):
        raise UsageError("each of tools needs an input_schema")
    words = {name: tool[name] for name in ("name", "description") if tool.get(name)}
    return {"type": "function", "function": {**words, "parameters": schema}}


def _tool_choice(choice: Any) -> Any:
    name = get_path(choice, "name")
    if name:
        return {"type": "function", "function": {"name": name}}
    return _CHOICES.get(str(get_path(choice, "type")))


def _form(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
