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

_REFUSAL = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|deprecated|forbidden|extra (?:inputs|fields)"
    r"|(?:not|n't) (?:be )?(?:a )?(?:support|permit|allow|recogni|accept|valid (?:field|param))"
    r"|only the default|no longer|cannot be (?:used|set|specified)|not available|must be omitted",
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
    if named in names:
        return named
    return next((name for name in names if re.search(_named(name), text)), "")


def _named(name: str) -> str:
    """Return the pattern of a parameter's name; Ollama calls ``think`` thinking."""
    return rf"(?<!\w){re.escape(name)}(?:ing)?(?!\w)"


def leave_out(payload: Mapping[str, Any], refused: Mapping[str, str]) -> dict[str, Any]:
    """Return a payload without refused parameters, or with their other names.

    Args:
        payload: the fields of the request.
        refused: the other name of each refused parameter, or an empty text.

    Example:
        >>> leave_out({"max_tokens": 5, "top_p": 1}, {"max_tokens": "max_output", "top_p": ""})
        {'max_output': 5}
    """
    kept = {_current_name(name, refused): value for name, value in payload.items()}
    kept.pop("", None)
    if extra := kept.get("extra_body"):
        kept["extra_body"] = leave_out(extra, refused)
    return kept


def _current_name(name: str, refused: Mapping[str, str]) -> str:
    while name in refused:
        name = refused[name]
    return name


def successor(name: str, refused: Mapping[str, str]) -> str:
    """Return the other name of a parameter; empty if it has none, or that was refused as well."""
    other = _SUCCESSORS.get(name, "")
    return "" if other in refused else other


def _names(payload: Mapping[str, Any]) -> set[str]:
    return {*payload, *(payload.get("extra_body") or ())} - {"extra_body"}


def _parameter(body: Any) -> str:
    """Return the field ``param`` of OpenAI's errors."""
    error = body.get("error", body) if isinstance(body, dict) else None
    name = error.get("param") if isinstance(error, dict) else None
    return name if isinstance(name, str) else ""


def _locations(body: Any) -> str:
    """Return the fields that FastAPI's errors name, and what is wrong with them."""
    details = body.get("detail") if isinstance(body, dict) else None
    return str(details) if isinstance(details, list) else ""
