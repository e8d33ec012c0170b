"""The types of the values of flags; argparse calls them.

Each raises argparse's own error, whose message is shown as it is; for a ValueError argparse would
print the name of the function.
"""

from __future__ import annotations

import json
import math
from argparse import ArgumentTypeError
from typing import Any

from ..text import excerpt


def number(word: str) -> float:
    """Parse a number.

    Raises:
        ArgumentTypeError: the word is not one.
    """
    try:
        return float(word)
    except ValueError:
        raise ArgumentTypeError(f"{excerpt(word)!r} is not a number") from None


def dollars(word: str) -> float | str:
    """Parse an amount above 0, or ``none``.

    Raises:
        ArgumentTypeError: the word is neither.
    """
    amount = 0.0 if word.lower() == "none" else number(word.removeprefix("$"))
    if word.lower() != "none" and not 0 < amount < math.inf:
        raise ArgumentTypeError(f"{excerpt(word)!r} is no amount of dollars above 0")
    return amount or "none"


def whole_number(word: str) -> int:
    """Parse a whole number.

    Raises:
        ArgumentTypeError: the word is not one.
    """
    try:
        return int(word)
    except ValueError:
        raise ArgumentTypeError(f"{excerpt(word)!r} is not a whole number") from None


def boolean(word: str) -> bool:
    """Parse True or False, as people write it.

    Raises:
        ArgumentTypeError: the word is neither.
    """
    values = {"true": True, "yes": True, "on": True, "1": True}
    values |= {"false": False, "no": False, "off": False, "0": False}
    if word.lower() not in values:
        raise ArgumentTypeError(f"{excerpt(word)!r} is neither True nor False")
    return values[word.lower()]


def comma_list(text: str) -> list[str]:
    """Split a text at its commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def host_list(text: str) -> list[str]:
    """Split host names at their commas, in lower case."""
    return comma_list(text.lower())


def parse_params(pairs: list[list[str]] | None) -> dict[str, Any]:
    """Return ``--param KEY VALUE`` pairs as a dict; a value that is JSON is parsed."""
    return {key: _json_or_text(value) for key, value in pairs or []}


def _json_or_text(value: str) -> Any:
    try:
        # JSON has no NaN and no Infinity: they are text, and the provider's to judge.
        return json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
