"""Read a request of the Responses API as one of chat completions; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..arguments import TEXT, where
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

_TEXTS = ("input_text", "output_text", "text", "refusal", None)
"""The types of the parts of a content that are texts."""

FIELDS = {
    **SHARED,
    "input": where("a text or a list of items", lambda value: isinstance(value, str | list)),
    "instructions": TEXT,
    "max_output_tokens": LIMIT,
    "tools": LIST,
    "text": OBJECT,
    "reasoning": OBJECT,
}
"""The fields that are read; others, such as `store` and `include`, are ignored."""

Item = Mapping[str, Any]


def chat_of_responses(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request in the form of chat completions.

    Raises:
        UsageError: a field has a value that is not supported.

    Example:
        >>> chat_of_responses({"input": "Hi", "instructions": "Be brief.", "max_output_tokens": 9})
        {'max_completion_tokens': 9, 'messages': [{'role': 'system', 'content': 'Be brief.'}, \
{'role': 'user', 'content': 'Hi'}]}
    """
    check_fields(body, FIELDS)
    if body.get("previous_response_id") or body.get("conversation"):
        raise UsageError("no answers are kept here; send the whole conversation as the input")
    instructions, prompt = body.get("instructions"), body.get("input")
    items = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt or []
    messages = [{"role": "system", "content": instructions}] if instructions else []
    form = get_path(body, "text", "format")
    kind = get_path(form, "type")
    fields = {
        **{name: body.get(name) for name in SHARED},
        "max_completion_tokens": body.get("max_output_tokens"),
        "reasoning_effort": get_path(body, "reasoning", "effort"),
        "tools": list(map(_tool, get_list(body, "tools"))) or None,
        "tool_choice": _tool_choice(body.get("tool_choice")),
        "response_format": None if kind in (None, "text") else _form(form, kind),
    }
    return {**without_missing(fields), "messages": [*messages, *_messages(items)]}


def _messages(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the messages; calls that follow each other, or an answer, belong to one."""
    messages: list[dict[str, Any]] = []
    for item in items:
        type_ = get_path(item, "type")
        if type_ == "function_call":
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": ""})
            messages[-1].setdefault("tool_calls", []).append(_call(item))
        elif type_ == "function_call_output":
            output, call_id = _text(item.get("output")), item.get("call_id")
            messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
        elif type_ in ("message", None):
            messages.append(
                {"role": get_path(item, "role"), "content": _text(get_path(item, "content"))}
            )
        elif type_ != "reasoning":
            raise UsageError(f"an item of input is of the type {type_}, which is not supported")
    return messages


def _text(content: Any) -> Any:
    """Return a content that has texts alone as one text."""
    if not isinstance(content, list) or has_attachments(content):
        return content
    if any(get_path(part, "type") not in _TEXTS for part in content):
        raise UsageError("the content of a message must be text")
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


def _call(item: Item) -> dict[str, Any]:
    function = {name: item.get(name) for name in ("name", "arguments")}
    return {"id": item.get("call_id"), "function": function}


def _tool(tool: Any) -> dict[str, Any]:
    if get_path(tool, "type") != "function":
        raise UsageError("each of tools must be of the type function")
    schema = {name: tool[name] for name in ("name", "description", "parameters") if tool.get(name)}
    return {"type": "function", "function": schema}


def _tool_choice(choice: Any) -> Any:
    name = get_path(choice, "name")
    return {"type": "function", "function": {"name": name}} if name else choice


def _form(form: Item, kind: Any) -> dict[str, Any]:
    fields = {name: value for name, value in form.items() if name != "type"}
    return {"type": kind, "json_schema": fields} if fields else {"type": kind}
