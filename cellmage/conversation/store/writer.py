"""One thread that owns the connection to the store, and does all work on it in order.

A locked or slow file therefore delays no answer: a cell that waits for the store stops waiting
after `LOCK_TIMEOUT_SECONDS`, and the work is done later.

Which thread does what:

==================  ======================================  ==================================
thread              calls                                   touches
==================  ======================================  ==================================
any, such as a      `submit`, `call`, `close`,              `_thread`, `_queue`, `_messages`,
cell's              `pending_messages`                      each under `_lock`
``cellmage-store``  `_run`: work and autosave, in turn      the connection, and all that the
                                                            work and the autosave share
a forked child's    `reset_after_fork`                      everything: it is the only thread
==================  ======================================  ==================================

States of the ``cellmage-store`` thread:

=========  =====================================  ===========================================
state      while                                  leaves it when
=========  =====================================  ===========================================
none       nothing was submitted, or closed       `submit` starts a thread with a new queue
waiting    the queue is empty                     work is queued; with open drafts also after
                                                  `AUTOSAVE_SECONDS`, for an autosave
working    a work or an autosave runs             it has returned or failed
retrying   the file is locked by others           the file is free, however late; until then
                                                  `call` returns None
stopping   `close` has queued `None`              the queue is done; the connection is closed
=========  =====================================  ===========================================

A thread that stops may still be retrying when the next one is started: `_turnstile` lets only one
of them work.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ...fork_locks import make_rlock
from ...once import Once
from .connection import StoreConnection
from .database import DamagedStoreError, NewerStoreError
from .drafts import Drafts

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Queue = SimpleQueue[tuple[Work[Any], Future[Any]] | None]

AUTOSAVE_SECONDS = 0.5
"""Time between two savings of the answers that are being written."""

LOCK_TIMEOUT_SECONDS = 5.0
"""How long a cell waits for a store that another program has locked."""


_MAX_WAITS = 20
"""How often a cell waits as long for work that no lock delays, such as for 100 000 turns."""

_STORE_ERRORS = (
    sqlite3.Error,
    OSError,
    NewerStoreError,
    DamagedStoreError,
    UnicodeDecodeError,
)
"""What the file may raise; `StoreConnection.recover` decides what to do."""


class StoreError(Exception):
    """The store could not do some work; the user has a message about it."""


class WriterThread:
    """The thread; it is started by the first work, and again in a forked child.

    Args:
        path: the file; it is created by the first work.
        drafts: the answers that are saved after each work, and every ``autosave_seconds`` as long
            as there are any; a forked child forgets them, because they are its parent's.
        autosave_seconds: time between two savings.
        lock_timeout_seconds: the longest time that `call` and `close` wait.
    """

    def __init__(
        self,
        path: Path,
        drafts: Drafts,
        autosave_seconds: float = AUTOSAVE_SECONDS,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self._connection = StoreConnection(path, self.report)
        self._drafts = drafts
        self._autosave_seconds = autosave_seconds
        self._lock_timeout_seconds = lock_timeout_seconds
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        self._queue: Queue = SimpleQueue()
        self._thread: threading.Thread | None = None
        # Reentrant: the garbage collector may finalize a stream, which commits, at any point.
        self._lock = make_rlock()
        self._turnstile = threading.Lock()
        self._messages: list[str] = []
        self.reported = Once()
        self._is_late = False
        self._is_blocked = False

    def reset_after_fork(self) -> None:
        """Begin anew in a forked child: neither the thread nor the connection survives a fork."""
        self._reset()
        self._connection.abandon()
        self._drafts.clear()

    @property
    def path(self) -> Path:
        """The file."""
        return self._connection.path

    def check_file_once(self) -> None:
        """Look for damage of the file; on the store's thread, in some work."""
        self._connection.check_once()

    # On any thread.

    def pending_messages(self) -> list[str]:
        """Return the messages for the user since the last call."""
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue work after all that was queued before, and return its future."""
        future: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                self._queue = SimpleQueue()
                self._thread = threading.Thread(
                    target=self._run, args=(self._queue,), name="cellmage-store", daemon=True
                )
                self._thread.start()
            self._queue.put((work, future))
        return future

    def call(self, work: Work[T]) -> T | None:
        """Do work on the thread, and return its result; None if it failed or takes too long.

        Work that takes too long is not given up: it is done when the store is free.
        """
        future = self.submit(work)
        # Only the first of several calls waits for long.
        timeout = self._autosave_seconds if self._is_late else self._lock_timeout_seconds
        for _ in range(_MAX_WAITS):
            try:
                return future.result(timeout)
            except TimeoutError:
                if self._is_blocked or self._is_late:
                    break
            except StoreError:
                return None
        self._is_late = True
        self.report("the store is in use by another program: what is new is stored later")
        return None

    def call_if_exists(self, work: Work[T]) -> T | None:
        """Return the result of `call`; None if the store has no file, which is not created."""
        return self.call(work) if os.path.exists(self.path) else None

    def close(self) -> None:
        """Do the queued work, and end the thread; the next work starts a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join(self._lock_timeout_seconds)

    def report(self, message: str) -> None:
        """Keep a message for the user; the same one only once."""
        if self.reported.is_new(message):
            with self._lock:
                self._messages.append(message)

    # On the store's thread.

    def _run(self, queue: Queue) -> None:
        with self._turnstile:
            timeout: float | None = None
            while True:
                with suppress(Empty):
                    item = queue.get(timeout=timeout)
                    if item is None:
                        break
                    self._do(*item)
                if not self._drafts.has_any():  # the file is not opened, or created, for nothing
                    timeout = None
                    continue
                has_drafts: Future[bool] = Future()
                self._do(self._drafts.save, has_drafts)
                is_due_again = has_drafts.exception() is None and has_drafts.result()
                timeout = self._autosave_seconds if is_due_again else None
            self._connection.close()

    def _do(self, work: Work[Any], future: Future[Any]) -> None:
        try:
            result = self._try_until_free(work)
        except StoreError as error:
            future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - it is reported, and the thread must live on
            self.report(f"a turn is not stored ({error})")
            future.set_exception(StoreError(str(error)))
        else:
            self._is_late = False
            future.set_result(result)

    def _try_until_free(self, work: Work[T]) -> T:
        self._is_blocked = False
        while True:
            try:
                return work(self._connection.open())
            except _STORE_ERRORS as error:
                if not self._connection.recover(error):
                    raise StoreError(str(error)) from None
                self._is_blocked = True


_writers: weakref.WeakSet[WriterThread] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for writer in _writers:
        writer.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all_after_fork)
