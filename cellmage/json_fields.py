"""Read the fields of an object of JSON that others may have written."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from .errors import UsageError
from .text import excerpt

Record = Mapping[str, Any]

_MAX_COUNT = 2**53
"""Whole numbers from here on are not exact as floats, and are no counts."""

_MAX_ID_BYTES = 1_000

_REQUIRED = object()


def read_field(
    record: Record, name: str, read: Callable[[Any], Any], kind: str, default: Any = _REQUIRED
) -> Any:
    """Return the value of a field.

    Args:
        record: an object of JSON.
        name: the name of the field.
        read: returns the value; any of its errors means that the value is something else.
        kind: what the value must be, for the message.
        default: the value of a field that is missing.

    Raises:
        UsageError: the field is missing, or is not of this kind.
    """
    if name not in record:
        if default is _REQUIRED:
            raise UsageError(f'"{name}" is missing')
        return default
    try:
        return read(record[name])
    except UsageError:
        raise
    except (TypeError, ValueError):
        value = excerpt(reprlib.repr(record[name]))
        raise UsageError(f'"{name}" is {value}; it must be {kind}') from None


# The types of values; each raises TypeError or ValueError for another one.


def as_text(value: Any) -> str:
    """Return a value that must be a text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError
    return value


def as_id(value: Any) -> str:
    """Return a value that must be the id of a cell or of a response.

    Raises:
        TypeError, ValueError: it is something else, or too long for the store.
    """
    if len(as_text(value).encode()) > _MAX_ID_BYTES:
        raise ValueError
    return str(value)


def as_list(value: Any) -> list[Any]:
    """Return a value that must be a list.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list):
        raise TypeError
    return value


def as_object(value: Any) -> dict[str, Any]:
    """Return a value that must be an object of JSON.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, dict):
        raise TypeError
    return value


def as_bool(value: Any) -> bool:
    """Return a value that must be true or false.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, bool):
        raise TypeError
    return value


def as_count(value: Any) -> int:
    """Return a value that must be a count.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_COUNT:
        raise TypeError
    return value


def as_optional_count(value: Any) -> int | None:
    """Return a value that must be a count, or None.

    Raises:
        TypeError: it is something else.
    """
    return None if value is None else as_count(value)


def as_seconds(value: Any) -> float:
    """Return a value that must be a number of seconds.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not 0 <= value < _MAX_COUNT:
        raise ValueError
    return value
