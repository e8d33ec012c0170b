"""Remember what the user was told, so that it is told once."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock


class Once:
    """A set of keys that answers whether a key is new; safe to use from several threads.

    Example:
        >>> shown = Once()
        >>> shown.is_new("subshell"), shown.is_new("subshell")
        (True, False)
    """

    def __init__(self) -> None:
        self._keys: set[Hashable] = set()
        self._lock = Lock()

    def is_new(self, key: Hashable) -> bool:
        """Return True the first time that a key is given, and remember it."""
        with self._lock:
            is_new = key not in self._keys
            self._keys.add(key)
        return is_new

    def clear(self) -> None:
        """Forget all keys."""
        with self._lock:
            self._keys.clear()
