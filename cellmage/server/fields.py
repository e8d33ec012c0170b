"""The fields of a request: what each must be, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arguments import (
    TEXT,
    Kind,
    check,
    instance_of,
    list_of,
    number,
    optional,
    where,
    whole_number,
)
from ..errors import UsageError


def _is_texts(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str) for item in items)


OBJECT = instance_of(dict, "an object")
LIST = instance_of(list, "a list")
FLAG = instance_of(bool, "true or false")
LIMIT = whole_number(1)
_PENALTY = number("a number from -2 to 2", lambda value: -2 <= value <= 2)

# The fields that are sent to the model's own server unchanged.
PASSTHROUGH: Mapping[str, Kind[Any]] = {
    "response_format": OBJECT,
    "stop": where("a text or a list of texts", _is_texts),
    "seed": whole_number(-(2**63)),
    "top_p": number("a number from 0 to 1", lambda value: 0 <= value <= 1),
    "presence_penalty": _PENALTY,
    "frequency_penalty": _PENALTY,
    "reasoning_effort": TEXT,
    "logit_bias": OBJECT,
}
PASSTHROUGH_WITH_TOOLS: Mapping[str, Kind[Any]] = {
    **PASSTHROUGH,
    "tool_choice": instance_of((str, dict), "a text or an object"),
    "parallel_tool_calls": FLAG,
}
SHARED: Mapping[str, Kind[Any]] = {
    "model": TEXT,
    "stream": FLAG,
    "temperature": number("a number from 0 to 2", lambda value: 0 <= value <= 2),
    "top_p": PASSTHROUGH["top_p"],
    "tool_choice": PASSTHROUGH_WITH_TOOLS["tool_choice"],
    "parallel_tool_calls": FLAG,
}
"""The fields that have one meaning in several APIs."""

CHAT_FIELDS: Mapping[str, Kind[Any]] = {
    **PASSTHROUGH_WITH_TOOLS,
    **SHARED,
    "messages": list_of(OBJECT, "a list of objects, one at least", least=1),
    "tools": LIST,
    "stream_options": OBJECT,
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n": where("1", lambda value: type(value) is int and value == 1),
}
"""The fields of chat completions that are read; others, such as `user`, are ignored."""


def check_fields(body: Mapping[str, Any], fields: Mapping[str, Kind[Any]]) -> None:
    """Refuse a field of the wrong type; the error names it.

    Raises:
        UsageError: a field has a value that cannot be used.

    Example:
        >>> check_fields({"stream": "yes"}, SHARED)
        Traceback (most recent call last):
        cellmage.errors.UsageError: stream is 'yes'; it must be true or false, or None
    """
    for name, kind in fields.items():
        try:
            check(name, body.get(name), kind if name == "messages" else optional(kind))
        except UsageError as error:
            error.option = name
            raise


def get_path(value: Any, *names: str) -> Any:
    """Return the value at a path of names in JSON objects; None if it does not exist.

    Example:
        >>> get_path({"a": {"b": 1}}, "a", "b"), get_path({"a": 5}, "a", "b")
        (1, None)
    """
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def get_list(value: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of an object; an empty one if it does not exist.

    Raises:
        UsageError: the value is not a list.
    """
    items = value.get(name)
    if not isinstance(items, list | None):
        raise UsageError(f"{name} must be a list")
    return items or []


def without_missing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value.

    Example:
        >>> without_missing({"a": 0, "b": None})
        {'a': 0}
    """
    return {name: value for name, value in fields.items() if value is not None}
