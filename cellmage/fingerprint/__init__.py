"""Whether a value is the one that it was: digests of values, functions, files and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import Fingerprint
from .walk import Walk, registry
from .words import words_of

__all__ = ["Fingerprint", "fingerprint", "register"]


def register(cls: type, function: Callable[[Any], Any]) -> None:
    """Register a function that returns what identifies the values of a class.

    Args:
        cls: the class; its subclasses have the function too.
        function: takes a value; returns a value that has a fingerprint, such as a text or a tuple,
            or a `Fingerprint`, or None.
    """
    registry[cls] = function


def fingerprint(value: Any) -> Fingerprint | None:
    """Return the fingerprint of a value; None if it is not known exactly.

    Example:
        >>> fingerprint({1, 2}) == fingerprint({2, 1}), fingerprint(iter([1]))
        (True, None)
    """
    try:
        return Fingerprint(Walk().digest(value).hex(), words_of(value))
    except Exception:  # noqa: BLE001 - code of the user may raise anything
        return None
