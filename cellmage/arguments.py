"""What arguments may be: the checks of values that users give, in one table of kinds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

from .errors import UsageError
from .text import truncate

_SHOWN_CHARS = 60
"""Characters of a refused value in its message."""


class Kind(NamedTuple):
    """A kind of value.

    Args:
        description: what to give, for the user.
        convert: returns the value as it is used.

            Raises:
                ValueError: the value is not of this kind.
    """

    description: str
    convert: Callable[[Any], Any]


def check(name: str, value: Any, kind: Kind) -> Any:
    """Return the value of an argument as it is used.

    Args:
        name: the name of the argument.
        value: what the user gave.
        kind: what it must be.

    Raises:
        UsageError: it is something else; the message names the argument and what to give.

    Example:
        >>> check("stop_at", "END", TEXTS)
        ('END',)
        >>> check("max_tokens", 1.5, whole_number(1))
        Traceback (most recent call last):
        cellmage.errors.UsageError: max_tokens is 1.5; it must be a whole number from 1 up
    """
    try:
        return kind.convert(value)
    except ValueError:
        shown = truncate(_shown(value), _SHOWN_CHARS)
        raise UsageError(f"{name} is {shown}; it must be {kind.description}") from None


def _shown(value: Any) -> str:
    """Return a value for a message; its own `repr` may fail."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a repr is the user's own code
        return f"a value of type {type(value).__name__}"


def instance_of(kind: type, description: str) -> Kind:
    """Return the kind of the instances of a class."""
    return _where(description, lambda value: isinstance(value, kind))


def list_of(kind: Kind, description: str) -> Kind:
    """Return the kind of the lists, and other iterables, of values of a kind."""

    def convert(value: Any) -> list[Any]:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError
        return [kind.convert(item) for item in value]

    return Kind(description, convert)


def whole_number(least: int) -> Kind:
    """Return the kind of the whole numbers from one up."""

    def convert(value: Any) -> int:
        if not _is_a(Integral, value) or int(value) < least:
            raise ValueError
        return int(value)

    return Kind(f"a whole number from {least} up", convert)


def number(description: str, is_valid: Callable[[float], bool]) -> Kind:
    """Return the kind of the finite numbers for which a function is true."""

    def is_number(value: Any) -> bool:
        return _is_a(Real, value) and math.isfinite(value) and is_valid(float(value))

    return _where(description, is_number)


def _is_a(kind: type, value: Any) -> bool:
    """Return whether a value is a number of a kind; a bool is an int to Python, and none here."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _where(description: str, is_valid: Callable[[Any], bool]) -> Kind:
    def convert(value: Any) -> Any:
        if not is_valid(value):
            raise ValueError
        return value

    return Kind(description, convert)


def _convert_texts(value: Any) -> tuple[str, ...]:
    # A text is one item: taken as a list, it would be its letters.
    items = (value,) if isinstance(value, str) else value
    if isinstance(items, Mapping) or not isinstance(items, Iterable):
        raise ValueError
    texts = tuple(items)
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError
    return texts


def _convert_parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError
    return dict(value)


TEXT = instance_of(str, "a text")
FUNCTION = _where("a function", callable)
FLAG = instance_of(bool, "True or False")
TEXTS = Kind('a text or a list of texts, as ["END"]; none of them is empty', _convert_texts)
PARAMETERS = Kind("a dict of parameters by name", _convert_parameters)
