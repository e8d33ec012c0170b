"""What arguments may be: the checks of values that users give, in one table of kinds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Generic, NamedTuple, TypeVar

from .errors import UsageError
from .text import truncate

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SHOWN_CHARS = 60
"""Characters of a refused value in its message."""


class Kind(NamedTuple, Generic[T_co]):
    """A kind of value.

    Args:
        description: what to give, for the user.
        convert: returns the value as it is used.

            Raises:
                Exception: the value is not of this kind.
    """

    description: str
    convert: Callable[[Any], T_co]


def check(name: str, value: Any, kind: Kind[T]) -> T:
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
    except Exception:  # noqa: BLE001 - `==`, an iterator and a number may be the user's own code
        text = truncate(_describe(value), _SHOWN_CHARS)
        raise UsageError(f"{name} is {text}; it must be {kind.description}") from None


def _describe(value: Any) -> str:
    """Return a value for a message.

    Not its `repr` where that fails, differs in each run, or may contain a key: the message of an
    error is the same in each run.
    """
    try:
        text = "" if isinstance(value, Mapping) else repr(value)
    except Exception:  # noqa: BLE001 - a repr is the user's own code
        text = ""
    has_address = " at 0x" in text and not isinstance(value, str)
    return text if text and not has_address else f"a value of type {type(value).__name__}"


def instance_of(kind: type[T] | tuple[type[T], ...], description: str) -> Kind[T]:
    """Return the kind of the instances of a class, or of one of several."""
    return where(description, lambda value: isinstance(value, kind))


def list_of(kind: Kind[T], description: str, least: int = 0) -> Kind[list[T]]:
    """Return the kind of the lists, and other iterables, of at least so many values of a kind."""

    def convert(value: Any) -> list[T]:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError
        values = [kind.convert(item) for item in value]
        if len(values) < least:
            raise ValueError
        return values

    return Kind(description, convert)


def choice_of(*choices: str) -> Kind[str]:
    """Return the kind of one of these words."""
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return where(f"one of {listed}", lambda value: isinstance(value, str) and value in choices)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """Return the same kind, and None."""
    description = f"{kind.description}, or None"
    return Kind(description, lambda value: None if value is None else kind.convert(value))


_MAX_WHOLE_NUMBER = 2**63 - 1
"""Where the whole numbers of servers end."""


def whole_number(least: int, most: int = _MAX_WHOLE_NUMBER) -> Kind[int]:
    """Return the kind of the whole numbers from one to another, as plain ints."""

    def convert(value: Any) -> int:
        if not _is_a(Integral, value) or not least <= int(value) <= most:
            raise ValueError
        return int(value)

    end = "up" if most == _MAX_WHOLE_NUMBER else f"to {most}"
    return Kind(f"a whole number from {least} {end}", convert)


def number(description: str, is_valid: Callable[[float], bool]) -> Kind[float]:
    """Return the kind of the finite numbers for which a function is true, as plain numbers.

    Args:
        description: what to give, for the user.
        is_valid: takes a float.
    """

    def convert(value: Any) -> float:
        # JSON knows neither fractions nor the numbers of numpy.
        plain: float = int(value) if _is_a(Integral, value) else float(value)
        if not _is_a(Real, value) or not math.isfinite(plain) or not is_valid(float(plain)):
            raise ValueError
        return plain

    return Kind(description, convert)


def _is_a(kind: type, value: Any) -> bool:
    """Return whether a value is a number of a kind; a bool is an int to Python, and none here."""
    return isinstance(value, kind) and not isinstance(value, bool)


def where(description: str, is_valid: Callable[[Any], bool]) -> Kind[Any]:
    """Return the kind of the values for which a function is true."""

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


def _convert_names(value: Any) -> tuple[str, ...]:
    names = _convert_texts(value)
    if not all(name.isprintable() for name in names):
        raise ValueError
    return names


def _convert_parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError
    json.dumps(dict(value), allow_nan=False)
    return dict(value)


TEXT = instance_of(str, "a text")
NAME: Kind[str] = where(
    "a text on one line", lambda value: isinstance(value, str) and value.isprintable()
)
FUNCTION: Kind[Callable[..., Any]] = where("a function", callable)
FLAG = instance_of(bool, "True or False")
TEXTS = Kind('a text or a list of texts, as ["END"]; none of them is empty', _convert_texts)
NAMES = Kind('a name or a list of names, as ["gpt-6-luna"]; none of them is empty', _convert_names)
PARAMETERS = Kind("a dict of parameters by name, with values that JSON knows", _convert_parameters)
