"""Parameters that a model refuses: found in the error, left out or renamed, and remembered; no I/O.

Models of 2026 answer HTTP 400 to a temperature, servers to fields that they do not know. The
request is sent once more without the parameter, and later requests to the model have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .error_bodies import error_codes, provider_message

STATUSES = (400, 422)
"""The HTTP statuses with which servers refuse a parameter."""

_SUCCESSORS = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
"""Parameters that some servers know by another name."""

_NEEDED = frozenset({"model", "messages", "input", "stream", "tools"})
"""What no request can do without."""

_NESTED: Mapping[str, tuple[str, ...]] = {
    "reasoning": ("effort", "summary"),
    "output_config": ("effort",),
}
"""Fields of parameters that models refuse alone; their names are ``parameter.field``."""

_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")

_MINIMUM = re.compile(
    r"(?:minimum|at least|greater than or equal to|>=)\D{0,40}?(\d{1,4})(?!\d)", re.IGNORECASE
)

_REFUSAL = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|deprecated|forbidden|extra (?:inputs|fields)"
    r"|(?:not|n't) (?:be )?(?:a )?(?:support|permit|allow|recogni|accept|valid (?:field|param))"
    r"|not match any of the expected|only the default|no longer"
    r"|cannot be (?:used|set|specified)|not available|must be omitted",
    re.IGNORECASE,
)


def find_refused(body: Any, payload: Mapping[str, Any]) -> str:
    """Return the parameter of a payload that an error refuses; empty if it refuses none.

    A value that is out of its range is an error: the user is told.

    Args:
        body: the parsed body of the error.
        payload: the fields of the request.

    Example:
        >>> body = {"error": {"message": "Unsupported value: 'temperature' does not support 0.2."}}
        >>> find_refused(body, {"model": "gpt-6", "temperature": 0.2})
        'temperature'
        >>> find_refused({"error": {"message": "temperature exceeds 2"}}, {"temperature": 3})
        ''
    """
    text = f"{provider_message(body)} {' '.join(map(str, error_codes(body)))} {_locations(body)}"
    if not _REFUSAL.search(text):
        return ""
    # The longest name first: `max_tokens` is a part of others.
    names = sorted(_names(payload) - _NEEDED, key=len, reverse=True)
    named = _parameter(body)
    for name in (named, re.split(r"[.\[]", named)[0]):  # as `include[0]`
        if name in names:
            return name
    return next((name for name in names if re.search(_named(name), text)), "")


def _named(name: str) -> str:
    """Return the pattern of a parameter's name; Ollama calls ``think`` thinking."""
    outer, dot, inner = name.rpartition(".")
    optional = rf"(?:{re.escape(outer)}{re.escape(dot)})?" if dot else ""
    return rf"(?<!\w){optional}{re.escape(inner)}(?:ing)?(?!\w)"


def find_minimum(body: Any, payload: Mapping[str, Any]) -> dict[str, int]:
    """Return the least limit that a server accepts, by its parameter; empty if it names none.

    Who asks for a short answer wants an answer, not an error.

    Args:
        body: the parsed body of the error.
        payload: the fields of the request.

    Example:
        >>> text = "Invalid 'max_output_tokens': below minimum value. Expected a value >= 16."
        >>> find_minimum({"error": {"message": text}}, {"max_output_tokens": 5})
        {'max_output_tokens': 16}
    """
    text = provider_message(body)
    name = next((name for name in _LIMITS if name in payload and name in text), "")
    found = [int(number) for number in _MINIMUM.findall(text)]
    return {name: max(found)} if name and found and max(found) > payload[name] else {}


def raise_limits(payload: Mapping[str, Any], minimums: Mapping[str, int]) -> dict[str, Any]:
    """Return a payload whose limits are those that its server accepts, at least.

    Example:
        >>> raise_limits({"max_tokens": 5}, {"max_tokens": 16, "max_output_tokens": 16})
        {'max_tokens': 16}
    """
    raised = {
        name: max(payload[name], least) for name, least in minimums.items() if name in payload
    }
    return {**payload, **raised}


def leave_out(payload: Mapping[str, Any], refused: Mapping[str, str]) -> dict[str, Any]:
    """Return a payload without refused parameters, or with their other names.

    Args:
        payload: the fields of the request.
        refused: the other name of each refused parameter, or an empty text.

    Example:
        >>> leave_out({"max_tokens": 5, "top_p": 1}, {"max_tokens": "max_output", "top_p": ""})
        {'max_output': 5}
    """
    kept = {
        _current_name(name, refused): _without_fields(name, value, refused)
        for name, value in payload.items()
    }
    kept = {name: value for name, value in kept.items() if name and value is not None}
    if extra := kept.get("extra_body"):
        kept["extra_body"] = leave_out(extra, refused)
    return kept


def _without_fields(name: str, value: Any, refused: Mapping[str, str]) -> Any:
    """Return the value of a parameter without refused fields; None if nothing remains."""
    if name not in _NESTED or not isinstance(value, Mapping):
        return value
    fields = {field: value[field] for field in value if f"{name}.{field}" not in refused}
    return fields or None


def _current_name(name: str, refused: Mapping[str, str]) -> str:
    while name in refused:
        name = refused[name]
    return name


def successor(name: str, refused: Mapping[str, str]) -> str:
    """Return the other name of a parameter; empty if it has none, or that was refused as well."""
    other = _SUCCESSORS.get(name, "")
    return "" if other in refused else other


def _names(payload: Mapping[str, Any]) -> set[str]:
    nested = {
        f"{name}.{field}"
        for name, fields in _NESTED.items()
        for field in fields
        if isinstance(payload.get(name), Mapping) and field in payload[name]
    }
    return {*payload, *nested, *(payload.get("extra_body") or ())} - {"extra_body"}


def _parameter(body: Any) -> str:
    """Return the field ``param`` of OpenAI's errors."""
    error = body.get("error", body) if isinstance(body, dict) else None
    name = error.get("param") if isinstance(error, dict) else None
    return name if isinstance(name, str) else ""


def _locations(body: Any) -> str:
    """Return the fields that FastAPI's errors name, and what is wrong with them."""
    details = body.get("detail") if isinstance(body, dict) else None
    return str(details) if isinstance(details, list) else ""
