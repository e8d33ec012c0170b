"""Read what a model asks for: the name of a tool and its arguments, as meant where that is certain.

A name or arguments with several readings are not read at all: the model receives the reason.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

import jiter

from .text import spell_out

SHOWN_CHARS = 600
"""Characters of the arguments in a line for the user: a screen shows three times as many."""

_NAME_CHARS = 60
"""Characters of the name of an argument at least."""

_MIN_SHARE = 20
"""Characters of each value at least."""

_STRING = re.compile(r'"(?:[^"\\]|\\[\s\S])*"')
_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n([\s\S]*?)\n?[ \t]*```\s*")
_CONTROL_CHAR = re.compile(r"[\x00-\x1f]")

_BLANKS_AND_QUOTES = " \t\r\n\"'`"
# gpt-oss writes the tokens of its format behind a name; Kimi writes the number of the call.
_AFTER_NAME = re.compile(r"<\|[\s\S]*|:\d+\s*\Z|\(\s*\)\s*\Z")
# OpenAI's "functions.f", Gemini's "default_api:f", "server/f", and "mcp__server__f".
_NAMESPACE_END = re.compile(r"[.:/]|__")


def match_tool(name: str, tools: Collection[str]) -> str:
    """Return the tool that a model means by a name; the name itself if none or several fit.

    Args:
        name: the name as the model wrote it, perhaps with blanks or a namespace.
        tools: the names of the tools.

    Example:
        >>> match_tool("functions.weather", ["weather"]), match_tool(" add<|channel|>x ", ["add"])
        ('weather', 'add')
        >>> match_tool("subtract", ["add"])
        'subtract'
    """
    plain = _AFTER_NAME.sub("", name.strip(_BLANKS_AND_QUOTES)).strip()
    names = [plain, *(plain[end.end() :] for end in _NAMESPACE_END.finditer(plain))]
    for candidate in (name, *names):
        if candidate in tools:
            return candidate
    folded = set(map(_fold, names))
    matches = [tool for tool in tools if _fold(tool) in folded]
    return matches[0] if len(matches) == 1 else name


def _fold(name: str) -> str:
    return name.casefold().replace("-", "_")


def parse_arguments(text: str) -> dict[str, Any]:
    """Parse the arguments of a call: one JSON object, and nothing else.

    Args:
        text: the arguments as the model wrote them. An empty text, null and an empty list are an
            empty object. An object that is encoded twice, in a fence, or the only item of a list,
            is that object; a raw line break in a string is a line break. Nothing else is corrected.

    Raises:
        ValueError: it is not such an object; the message helps the model to correct it.

    Example:
        >>> parse_arguments('{"x": 1}'), parse_arguments("null"), parse_arguments('"{}"')
        ({'x': 1}, {}, {})
        >>> parse_arguments('{"x": 1}}')
        Traceback (most recent call last):
        ValueError: the arguments are not JSON: trailing characters at line 1 column 9
    """
    fence = _FENCE.fullmatch(text)
    value = _parse(fence[1] if fence else text)
    if isinstance(value, str):
        with suppress(ValueError):
            value = _parse(value)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise ValueError("the arguments are not a JSON object")
    _refuse_infinity(value)
    return value


def _refuse_infinity(value: Any) -> None:
    """Refuse a number that is too large for a float, such as 1e400: Python reads it as infinity."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_infinity(item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("the arguments have a number that is too large")


def format_arguments(arguments: str, chars: int = SHOWN_CHARS) -> str:
    r"""Return arguments as a line for the user, in which everything unusual is spelling out.

    Args:
        arguments: the arguments as the model wrote them; what cannot be read is shown as text.
        chars: characters that are shown, without the counts of what is left out. Each value has a
            share, so that a long one hides no other.

    Example:
        >>> format_arguments('{"city": "Oslo", "days": 2}')
        'city="Oslo", days=2'
        >>> format_arguments('{"x=1)?": "a\\nb"}')
        '"x=1)?"="a\\nb"'
        >>> format_arguments('{"x": "a b c d e f g h i j k", "y": 2}', 22)
        'x="a b c d e f g h i "… (and 3 more characters), y=2'
    """
    try:
        values = parse_arguments(arguments)
    except ValueError:
        return _format_value(arguments, chars)
    sizes = [len(_dumps(value)) for value in values.values()]
    share = max(_share(sizes, chars - sum(map(len, values))), _MIN_SHARE)
    name_chars = max(_NAME_CHARS, chars // max(len(values), 1))
    items: list[str] = []
    size = 0
    for name, value in values.items():
        if size > 3 * chars:
            break
        items.append(f"{_name(name, name_chars)}={_format_value(value, share)}")
        size += len(items[-1])
    excess = len(values) - len(items)
    return ", ".join([*items, f"… (and {excess} more arguments)"] if excess else items)


def _share(sizes: Iterable[int], room: int) -> int:
    """Return how much of each value fits into a room; short ones leave theirs to the others."""
    share, remaining = room, sorted(sizes)
    while remaining and remaining[0] <= (share := room // len(remaining)):
        room -= remaining.pop(0)
    return share


def _name(name: str, chars: int) -> str:
    is_plain = name.isascii() and name.isidentifier() and len(name) <= chars
    return name if is_plain else _spell_right_to_left(_format_value(name, chars))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _format_value(value: Any, chars: int) -> str:
    """Return a value as JSON; of a long one the begin, and the number of characters left out."""
    is_text = isinstance(value, str)
    text = _dumps(value) if is_text else _spell_right_to_left(_dumps(value))
    if len(text) <= chars and len(spelling := spell_out(text)) <= chars:
        return spelling
    whole = value if is_text else text
    head = whole[:chars]
    while len(spelling := spell_out(_dumps(head) if is_text else head)) > chars:
        head = head[: len(head) * chars // len(spelling)]
    return f"{spelling}… (and {len(whole) - len(head)} more characters)"


def _spell_right_to_left(text: str) -> str:
    """Return JSON without letters that may put names and items in another order (UAX 9)."""
    if text.isascii():
        return text
    is_rtl = (unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
    pairs = zip(text, is_rtl, strict=True)
    return "".join(json.dumps(char)[1:-1] if rtl else char for char, rtl in pairs)


def _parse(text: str) -> Any:
    if not text.strip():
        return None
    data = _escape_control_chars(text)
    try:
        return jiter.from_json(data.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise ValueError(f"the arguments are not JSON: {error}") from None


def _escape_control_chars(text: str) -> str:
    """Return JSON with the control characters in its strings as RFC 8259, section 7, asks."""
    if not _CONTROL_CHAR.search(text):
        return text

    def escape(string: re.Match[str]) -> str:
        return _CONTROL_CHAR.sub(lambda char: json.dumps(char[0])[1:-1], string[0])

    return _STRING.sub(escape, text)


def normalize_arguments(text: str) -> str:
    """Return arguments that can be read as one JSON object; others as they are.

    Example:
        >>> normalize_arguments('[{"x": 1}]'), normalize_arguments('{"x": 1 }')
        ('{"x": 1}', '{"x": 1 }')
    """
    try:
        arguments = parse_arguments(text)
    except ValueError:
        return text
    is_object = text.lstrip().startswith("{")
    return _escape_control_chars(text) if is_object else json.dumps(arguments, ensure_ascii=False)
