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

_NEEDED = frozenset({"model", "messages", "input", "stream", "tools", "system", "instructions"})
"""What no request can do without, and what the user has written."""

_NESTED: Mapping[str, tuple[str, ...]] = {
    "reasoning": ("effort", "summary"),
    "output_config": ("effort", "format"),
}
"""Fields of parameters that models refuse alone; their names are ``parameter.field``."""

_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")

_MINIMUM = re.compile(
    r"(?:minimum|at least|greater than or equal to|>=)\D{0,40}?(\d{1,4})(?!\d)", re.IGNORECASE
)

_REFUSAL = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|unavailable|deprecated|forbidden|extraneous"
    r"|extra (?:inputs|fields)|additional properties|additionalProperty"
    r"|(?:not|n't) (?:be )?(?:a )?(?:support|permit|allow|recogni|accept|enabled|valid \w*\s?param"
    r"|valid field)|not match any of the expected|only the default|no longer"
    r"|only [`'\"]?[\d.]+[`'\"]? (?:is|are) |may only be|cannot both be|(?:must be|or) unset"
    r"|must be [\d.]+ (?:for|when|with)|cannot be (?:used|set|specified|combined)"
    r"|not available|must be omitted|(?:requires|use) [`'\"]?max_",
    re.IGNORECASE,
)

_WORD_REFUSAL = re.compile(
    r"(?:must|should) be|invalid|one of|cannot be disabled|mandatory|failed|error", re.IGNORECASE
)
"""How servers refuse a word or a schema, which others take: one asks without it then, too."""

_FORM = r"response.?format|json.(?:mode|object|schema)|response.mime.?type|structured.outputs?"
_EFFORT = r"(?:thinking|reasoning)(?:.(?:level|budget|effort))?"

_OTHER_NAMES: Mapping[str, str] = {
    "reasoning_effort": _EFFORT,
    "reasoning.effort": _EFFORT,
    "output_config.effort": _EFFORT,
    "response_format": _FORM,
    "output_config.format": rf"{_FORM}|output.?format",
    "text": _FORM,
    "format": _FORM,
    "frequency_penalty": "penalty",
    "presence_penalty": "penalty",
}
"""What servers call a parameter that they translate for another one, as patterns."""

_WORDS = (
    *("reasoning_effort", "reasoning.effort", "output_config.effort", "output_config.format"),
    *("response_format", "text", "format", "think"),
)
"""Parameters whose values are words and schemas of ours or the user's, not numbers."""

_ORDINARY = frozenset(
    {"stop", "seed", "text", "include", "format", "store", "user", "n", "think", "thinking"}
    | {"reasoning", "options", "effort", "summary", "metadata", "logprobs"}
)
"""Names that are also words: they count where the sentence marks them as a name."""

_MARK_BEFORE = (
    r"(?:\A|[`'\"\[({.]|: |(?:params?|parameters?|arguments?|property|field|key|name|supports?"
    r"|adaptive|extended)(?:\(s\))?:? (?:the )?)"
)
_MARK_AFTER = (
    r"(?:[`'\"\])}=]| (?:parameter|argument|property|field|option)| (?:is|are)(?: not|n't| un))"
)

_PLACE_IN_CONVERSATION = re.compile(r"(?:body\.)?(?:messages|input|contents|tools)\b.?[.\[]")
"""How a message begins that is about a part of the conversation."""

_DETAILS = ("detail", "details", "errors", "error", "message")
_MAX_DEPTH = 4


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
    sentence, parameter = provider_message(body), _parameter(body)
    if any(map(_PLACE_IN_CONVERSATION.match, (sentence, parameter))):
        return ""
    text = f"{sentence} {' '.join(map(str, error_codes(body)))} {_locations(body)}"
    # The longest name first: `max_tokens` is a part of others.
    names = sorted(_names(payload) - _NEEDED, key=len, reverse=True)
    parts = parameter.split(".")
    marked = (parameter, ".".join(parts[:2]), re.split(r"[.\[]", parameter)[0])  # as `include[0]`
    name = next((name for name in marked if name in names), "") or _find_name(text, names)
    is_refused = _REFUSAL.search(text) or (name in _WORDS and _WORD_REFUSAL.search(text))
    return name if is_refused else ""


def _find_name(text: str, names: list[str]) -> str:
    """Return the name that a text has first; a text names others to say what goes instead."""
    for patterns in ({name: _pattern_of(name) for name in names}, _OTHER_NAMES):
        positions = {
            name: match.start(match.lastindex or 0)
            for name in names
            if name in patterns and (match := re.search(patterns[name], text, re.IGNORECASE))
        }
        if positions:
            return min(positions, key=lambda name: positions[name])
    return ""


def _pattern_of(name: str) -> str:
    """Return the pattern of a parameter's name, also in camel case.

    Ollama calls ``think`` thinking.
    """
    _, dot, inner = name.rpartition(".")
    full = rf"(?<!\w)({re.escape(name)})(?!\w)"
    is_word = inner in _ORDINARY
    inner = re.escape(inner).replace("_", "[_ ]?") + "(?:ing)?"
    if not is_word:
        return rf"(?<!\w)({inner})(?!\w)"
    bare = rf"{_MARK_BEFORE}(?<!\w)({inner})(?!\w)|(?<!\w)({inner}){_MARK_AFTER}"
    return rf"{full}|{bare}" if dot else bare


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
    minima = [int(number) for number in _MINIMUM.findall(text)]
    return {name: max(minima)} if name and minima and max(minima) > payload[name] else {}


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
    accepted = {
        _current_name(name, refused): _without_fields(name, value, refused)
        for name, value in payload.items()
    }
    accepted = {name: value for name, value in accepted.items() if name and value is not None}
    if extra := accepted.get("extra_body"):
        accepted["extra_body"] = leave_out(extra, refused)
    return accepted


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


def _locations(body: Any, depth: int = _MAX_DEPTH) -> str:
    """Return what lists of faults say, such as FastAPI's, at any place in a body."""
    if isinstance(body, list):
        return _words(body)
    if not isinstance(body, Mapping) or not depth:
        return ""
    return " ".join(_locations(body.get(name), depth - 1) for name in _DETAILS)


def _words(value: Any, depth: int = _MAX_DEPTH) -> str:
    """Return the texts in a value without what was sent; names of fields are in quotes."""
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return str(value)  # the place of a field
    if isinstance(value, Mapping):
        value = [item for name, item in value.items() if name not in ("input", "ctx")]
    if isinstance(value, list):
        return " ".join(_words(item, depth - 1) for item in value) if depth else ""
    return str(value)
