"""One thread that owns the connection: what is asked of the store happens there, in order.

So a store that is locked, or slow, holds up no answer, and a cell that waits for it can say so.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from .database import NewerStoreError, connect, set_aside

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

TICK = 0.5
"""Seconds between two savings of the answers that are being written."""

PATIENCE = 5.0
"""Seconds that a cell waits for a store that another program holds."""


_BREATH = 0.02


class StoreError(Exception):
    """The store cannot do what was asked of it; the reader has been told."""


class Writer:
    """The thread, started at the first job, and started anew in a forked child.

    Args:
        path: the file; it is made by the first job.
        tick: called on the thread every `TICK` seconds, with the connection; gives whether there
            is something to come back for.
        on_fork: called in a forked child, whose answers are not those of its parent.
        uri_options: further options of SQLite's, such as ``?vfs=unix-dotfile``.
    """

    def __init__(
        self,
        path: Path,
        tick: Callable[[sqlite3.Connection], bool],
        on_fork: Callable[[], object],
        uri_options: str = "",
    ) -> None:
        self.path = path
        self._on_fork = on_fork
        self._tick = tick
        self._options = uri_options
        self._told: list[str] = []
        self._said: set[str] = set()
        self._is_late = False
        self.generation = 0
        self._file: tuple[int, int] | None = None
        self._start()
        _writers.add(self)

    def _start(self) -> None:
        self._jobs: SimpleQueue[tuple[Job[Any], Future[Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    def forget(self) -> None:
        """Begin anew, in a forked child."""
        self._start()
        self._on_fork()

    def told(self) -> list[str]:
        """What the reader should be told, and was not told before."""
        told, self._told = self._told, []
        return told

    # On any thread.

    def put(self, job: Job[T]) -> Future[T]:
        """Have a job done, after those before it."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="cellmage-store", daemon=True
                )
                self._thread.start()
        return future

    def do(self, job: Job[T]) -> T | None:
        """Have a job done and wait for it; None where it failed, or takes too long.

        What takes too long is not given up: it is done when the store is free.
        """
        future = self.put(job)
        try:
            return future.result(TICK if self._is_late else PATIENCE)
        except TimeoutError:
            self._is_late = True
            self._tell("the store is in use by another program: what is new is stored later")
        except StoreError:
            pass
        return None

    def close(self) -> None:
        """Do what is to be done, and end the thread; the next job starts a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._jobs.put((_last, Future()))
        if thread is not None:
            thread.join(PATIENCE)

    # On the thread.

    def _run(self) -> None:
        pause: float | None = None
        while True:
            with suppress(Empty):
                job, future = self._jobs.get(timeout=pause)
                self._do(job, future)
                if job is _last:
                    self._close()
                    return
            ticked: Future[bool] = Future()
            self._do(self._tick, ticked)
            pause = TICK if ticked.exception() is None and ticked.result() else None

    def _do(self, job: Job[Any], future: Future[Any]) -> None:
        try:
            result = self._attempt(job)
        except StoreError as error:
            future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - the reader is told, and the thread lives on
            self._tell(f"a turn is not stored ({error})")
            future.set_exception(StoreError(str(error)))
        else:
            self._is_late = False
            future.set_result(result)

    def _attempt(self, job: Job[T]) -> T:
        """The result of a job; it waits for a busy store, and begins anew beside a damaged one."""
        while True:
            try:
                return job(self._connected())
            except (sqlite3.Error, OSError, NewerStoreError) as error:
                what = error
            if not self._can_go_on(what):
                raise StoreError(str(what))

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one where the file is another one than it was."""
        if self._connection is not None and self._file != _identity(self.path):
            self._close()
        if self._connection is None:
            self._connection = connect(self.path, self._options)
            before, self._file = self._file, _identity(self.path)
            self.generation += before != self._file
        return self._connection

    def _can_go_on(self, error: Exception) -> bool:
        if _is(error, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            time.sleep(_BREATH)  # some of these come at once
            return True
        if _is(error, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._set_aside()
        if isinstance(error, NewerStoreError):
            self._tell(str(error))
        else:
            self._close()
            self._tell(f"turns are not stored in {self.path.parent} ({error})")
        return False

    def _set_aside(self) -> bool:
        is_ours = self._file in (None, _identity(self.path))
        self._close()
        if not is_ours:  # another kernel has set it aside
            return True
        self._file = None
        try:
            aside = set_aside(self.path)
        except OSError as error:
            self._tell(f"the stored conversations in {self.path} are damaged ({error})")
            return False
        self._tell(f"the stored conversations were damaged; the file is kept as {aside}")
        return True

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _tell(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._told.append(line)


def _last(connection: sqlite3.Connection) -> None:
    """The last job of a thread, which closes the file."""


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is(error: Exception, *codes: int) -> bool:
    """Whether SQLite says one of these, in its plain or one of its extended codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def _forget_all() -> None:
    # Neither a thread nor a connection of SQLite's survives a fork.
    for writer in _writers:
        writer.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
