"""The background event loop, and a synchronous view of an async generator that runs on it.

An asyncio task on a daemon thread reads an answer, so that the thread that runs the cells can paint
and take an interrupt while it waits. The task also makes stopping immediate: cancelling it closes
the socket at once, which closing a blocked synchronous stream from another thread does not.

=============  ==================================  =============================================
state of a     on the loop's thread                on the consumer's thread
`SyncStream`
=============  ==================================  =============================================
new            nothing runs                        `batches` submits `_start`
running        `_pump` buffers items, `_flush`     `_next_batch` waits for lists, at most
               puts lists into the queue           `POLL_SECONDS`; the consumer works between
calling        a stage awaits a `ConsumerCall`     the list before the call is consumed, then
                                                   the call runs here
cancelled      `_cancel` cancels the task, which   leaving the ``with`` block waits for `_done`
               closes the generator                at most `_DRAIN_SECONDS`
done           `_finish` flushes the last items    the queue is read to its end, then the error
               and sets `_done`                    of the generator is raised
=============  ==================================  =============================================
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from contextvars import ContextVar, copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..errors import CellmageError, UsageError
from .interrupts import InterruptSafeEvent, defer_interrupts, on_main_thread
from .main_thread import ConsumerCall

T = TypeVar("T")

POLL_SECONDS = 0.1
"""The longest wait: on Windows a blocked lock ignores Ctrl-C, so a wait is made of such slices."""

_MAX_BATCH = 256
"""Items of a list that is put into the queue."""

_MAX_QUEUED_BATCHES = 64
"""Lists in the queue from which on the generator waits for the consumer."""

_BACKOFF_SECONDS = 0.005
"""How long the generator waits before it looks at the queue again."""

_DRAIN_SECONDS = 2.0
"""The longest wait for the end of a cancelled generator."""

TASK_NAME = "cellmage-stream"
"""The name of the asyncio task of each stream that is read synchronously."""


class _LoopThread:
    """The loop and its thread: started at the first use, and again in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop."""
        # An interrupt while the thread starts would leave it waiting to be acknowledged.
        with defer_interrupts(), self._lock:
            if self._loop is None or not (self._thread and self._thread.is_alive()):
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="cellmage-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def is_current(self) -> bool:
        """Return whether the caller runs on the loop's thread."""
        return self._thread is threading.current_thread()

    def reset_after_fork(self) -> None:
        """Forget the thread: threads do not survive a fork."""
        self.__init__()  # type: ignore[misc]


_loop_thread = _LoopThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop_thread.reset_after_fork)


def background_loop() -> asyncio.AbstractEventLoop:
    """Return the one background event loop of this process; it runs on a daemon thread."""
    return _loop_thread.loop()


class SyncStream(Generic[T]):
    """A synchronous view of an async generator that runs on the background loop.

    Use it in a ``with`` block: leaving the block cancels the generator and waits for its end, so
    that the generator has finished its work with everything that had arrived.

    Args:
        source: the generator; it is closed on the loop.

    Attributes:
        is_on_main: True if the main thread reads it.

    Raises:
        UsageError: made on the loop's own thread, where waiting would never end.

    Example:
        >>> async def numbers():
        ...     for n in range(3):
        ...         yield n
        >>> with SyncStream(numbers()) as stream:
        ...     [n for batch in stream.batches() for n in batch]
        [0, 1, 2]
    """

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        if _loop_thread.is_current():
            raise UsageError(
                "a stream cannot be read with 'for' on cellmage's event loop; use 'async for'"
            )
        self._source = source
        self._queue: SimpleQueue[list[T] | ConsumerCall] = SimpleQueue()
        self._next_call: ConsumerCall | None = None
        self._task: asyncio.Task[None] | None = None
        self._buffer: list[T] = []
        self._error: BaseException | None = None
        self._done = InterruptSafeEvent()
        self._is_cancelled = False
        # Not derived from the task: `_start` may still be on its way to the loop.
        self._is_submitted = False
        self._loop = background_loop()

    # On the loop's thread.

    def _start(self) -> None:
        if self._is_cancelled:
            return
        self._task = self._loop.create_task(self._pump(), name=TASK_NAME)
        # A callback, not a 'finally': a task that is cancelled before its first step runs none.
        self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        self._is_cancelled = True
        if self._task is None:
            self._done.set()  # an interrupt came before the start
        else:
            self._task.cancel()

    async def _pump(self) -> None:
        _current.set(self)
        async with aclosing(self._source) as items:
            async for item in items:
                self._add(item)
                while self._queue.qsize() > _MAX_QUEUED_BATCHES:  # noqa: ASYNC110 - a thread reads
                    await asyncio.sleep(_BACKOFF_SECONDS)

    def _add(self, item: T) -> None:
        """Buffer the items that arrive without a wait between them: those of one network read."""
        self._buffer.append(item)
        if len(self._buffer) == 1:
            self._loop.call_soon(self._flush)
        elif len(self._buffer) >= _MAX_BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._queue.put(self._buffer)
            self._buffer = []

    def _finish(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._error = task.exception()
        elif not self._is_cancelled:
            self._error = CellmageError("the answer was cancelled from within", kind="cancelled")
        self._flush()
        self._done.set()
        self._queue.put([])  # wakes the consumer

    def submit(self, call: ConsumerCall) -> None:
        """Let the consumer run a call, after the items that were added before it."""
        self._flush()
        self._queue.put(call)

    @property
    def is_done(self) -> bool:
        """True if the consumer takes no more calls, such as those of a task that was left."""
        return self._done.is_set

    # On the consumer's thread.

    def batches(self, min_interval: float = 0.0) -> Iterator[list[T]]:
        """Yield lists of items as they arrive; an empty list when a while passes with none.

        Args:
            min_interval: the least number of seconds between two lists, so that a fast stream does
                not wake its consumer for every item. The first list and the end are not delayed.
        """
        self._submit_start()
        while not (self._done.is_set and self._queue.empty()):
            batch = self._next_batch(min_interval or POLL_SECONDS)
            yield batch
            if self._next_call is not None:
                call, self._next_call = self._next_call, None
                call.run()
            elif batch and min_interval:
                self._done.wait(min_interval)
        if self._error is not None:
            raise self._error

    def _submit_start(self) -> None:
        # Inside the block already, so that an interrupt here leaves the block.
        self.is_on_main = on_main_thread()
        self._is_submitted = True
        self._loop.call_soon_threadsafe(self._start)

    def _next_batch(self, timeout: float) -> list[T]:
        """Return all items in the queue, after a wait of at most `timeout` seconds for the first.

        A call ends the batch: the consumer works on the items before it, and then runs it.
        """
        batch: list[T] = []
        try:
            item = self._queue.get(timeout=timeout)
            while not isinstance(item, ConsumerCall):
                batch += item
                item = self._queue.get_nowait()
            self._next_call = item
        except Empty:
            pass
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._done.is_set or not self._is_submitted or sys.is_finalizing():
            return
        with defer_interrupts():
            self.cancel()
            # The garbage collector may close a stream on the loop's thread: no wait there.
            if not _loop_thread.is_current():
                self._done.wait(_DRAIN_SECONDS)

    def cancel(self) -> None:
        """Ask the generator to stop, from any thread; its consumer then reaches the end."""
        self._loop.call_soon_threadsafe(self._cancel)


_current: ContextVar[SyncStream[Any] | None] = ContextVar("sync_stream", default=None)


async def run_on_consumer(function: Callable[[], T], seconds: float | None = None) -> T:
    """Run a function on the thread that reads the stream, and return its result.

    That is the main thread if it reads the stream: there a function may prompt and plot, and can be
    interrupted. Otherwise the function gets a thread of its own.

    Args:
        function: takes no arguments; what it raises is raised here.
        seconds: the longest time that it may take, from its start.

    Raises:
        TimeoutError: it took longer. The main thread is interrupted; another thread runs on.
    """
    stream, call = _current.get(), ConsumerCall(function)
    if stream is not None and stream.is_on_main and not stream.is_done:
        stream.submit(call)
    else:
        context = copy_context()
        threading.Thread(target=context.run, args=(call.run,), daemon=True).start()
    result: T = await call.result(seconds)
    return result


_HEARTBEAT_SECONDS = 0.1


class Heartbeat:
    """Wakes the loop now and then, so that an interrupt at a top-level ``await`` is seen soon.

    Measured in ipykernel 7 on a silent stream: 11 s without it, 0.12 s with it.
    """

    def __enter__(self) -> None:
        self._task = asyncio.create_task(self._beat())

    def __exit__(self, *exc: object) -> None:
        self._task.cancel()

    async def _beat(self) -> None:
        while True:  # noqa: ASYNC110 - waking is the point
            await asyncio.sleep(_HEARTBEAT_SECONDS)
