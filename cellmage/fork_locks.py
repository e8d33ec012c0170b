"""Locks that no other thread holds while this process forks: a copy would never see them freed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()

PAUSE_SECONDS = 0.002
"""The time for which all locks are free again, when one could not be taken."""


def make_lock() -> threading.Lock:
    """Return a lock that `hold_all_locks` takes."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def make_rlock() -> Any:
    """Return a reentrant lock that `hold_all_locks` takes."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


@contextmanager
def hold_all_locks(seconds: float) -> Iterator[None]:
    """Hold all of these locks; a forked child that leaves the block frees its own copies.

    No thread waits for one of them while it has another in the way: where one is taken, all are
    freed, and it begins again.

    Args:
        seconds: the longest time that is waited.

    Raises:
        TimeoutError: another thread holds one of them all the time.

    Example:
        >>> lock = make_lock()
        >>> with hold_all_locks(1):
        ...     lock.locked()
        True
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        while not _take_all(stack):
            stack.close()
            if time.monotonic() > deadline:
                raise TimeoutError("another thread holds a lock")
            time.sleep(PAUSE_SECONDS)
        yield


def _take_all(stack: ExitStack) -> bool:
    for lock in list(_locks):
        if not lock.acquire(blocking=False):
            return False
        stack.callback(lock.release)
    return True
