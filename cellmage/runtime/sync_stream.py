"""A synchronous view of an async generator that runs on the background event loop.

An asyncio task on a daemon thread reads an answer, so that the thread that runs the cells can paint
and take an interrupt while it waits. The task also makes stopping immediate: cancelling it closes
the socket at once, which closing a blocked synchronous stream from another thread does not.

Two threads share a `SyncStream`. Items and calls cross in `_queue`, the end crosses in `_done`, and
every other attribute is written by one of the two threads alone.

==========  ===========================================  ===========================================
state       on the loop's thread                         on the consumer's thread
==========  ===========================================  ===========================================
new         nothing runs                                 the ``with`` block is entered
submitted   `_start` waits for its turn on the loop      `batches` waits in `_next_batch`
running     `_pump` buffers items; `_flush` puts lists   `_next_batch` waits for lists, at most
            into the queue                               `POLL_SECONDS`; the consumer works between
calling     a stage awaits a `ConsumerCall`              the list before the call is consumed; then
                                                         the call runs
cancelled   the generator is closed, and finishes        leaving the ``with`` block waits for
            what it does                                 `_done`, at most `_DRAIN_SECONDS`
done        nothing runs                                 the queue is read to its end; then the
                                                         error of the generator is raised
==========  ===========================================  ===========================================

=============================  =========  =======================  ================================
event                          thread     state                    next state
=============================  =========  =======================  ================================
first step of `batches`        consumer   new                      submitted
`_start`                       loop       submitted                running
`submit` of a call             loop       running                  calling
the call returns               consumer   calling                  running
`cancel`, then `_cancel`       any, loop  submitted                done: no task was made
`cancel`, then `_cancel`       any, loop  running, calling         cancelled
the generator ends or raises   loop       running, cancelled       done (`_finish`)
the block is left              consumer   new, done                the same: there is nothing to do
the block is left              consumer   submitted, running, ...  as `cancel`
=============================  =========  =======================  ================================
"""

from __future__ import annotations

import asyncio
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
from .loop import LoopWatch, background_loop, on_loop_thread
from .main_thread import ConsumerCall

T = TypeVar("T")

POLL_SECONDS = 0.1
"""The longest wait: on Windows a blocked lock ignores Ctrl-C, so a wait is made of such slices."""

_MAX_BATCH = 256
"""The most items of one list in the queue."""

_MAX_QUEUED_BATCHES = 64
"""With more lists in the queue, the generator waits for its consumer."""

_BACKOFF_SECONDS = 0.005
"""The time between two looks at a full queue."""

_DRAIN_SECONDS = 2.0
"""The longest wait for the end of a cancelled generator."""

TASK_NAME = "cellmage-stream"
"""The name of the asyncio task of each stream that is read synchronously."""


class SyncStream(Generic[T]):
    """A synchronous view of an async generator that runs on the background loop.

    Use it in a ``with`` block: leaving the block cancels the generator and waits for its end, so
    that the generator has finished its work with everything that had arrived.

    Args:
        source: the generator; it is closed on the loop.
        patience: seconds that the loop may be blocked by code that waits without ``await``.

    Attributes:
        is_on_main: True if the main thread reads it; set when `batches` starts.

    Raises:
        UsageError: it is created on the loop's own thread, where a wait would never end.

    Example:
        >>> async def numbers():
        ...     for n in range(3):
        ...         yield n
        >>> with SyncStream(numbers()) as stream:
        ...     [n for batch in stream.batches() for n in batch]
        [0, 1, 2]
    """

    def __init__(self, source: AsyncGenerator[T, None], patience: float = 120.0) -> None:
        if on_loop_thread():
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
        # Not derived from the task: the task does not exist while `_start` waits for the loop.
        self._is_submitted = False
        self._loop = background_loop()
        self._watch = LoopWatch(self._loop, patience)

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
            self._done.set()  # cancelled before the start: no task will do it
        else:
            self._task.cancel()

    async def _pump(self) -> None:
        _current.set(self)  # in the context of this task only
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
            self._error = CellmageError("the answer was cancelled from within", kind="interrupted")
        self._flush()
        self._done.set()
        self._queue.put([])  # wakes the consumer

    def submit(self, call: ConsumerCall) -> None:
        """Queue a call for the consumer, after the items that were added before it.

        Args:
            call: runs on the consumer's thread. To be called on the loop's thread.
        """
        self._flush()
        self._queue.put(call)

    @property
    def is_done(self) -> bool:
        """True if the generator has ended: nobody runs a call that is submitted now."""
        return self._done.is_set

    # On the consumer's thread.

    def batches(self, min_interval: float = 0.0) -> Iterator[list[T]]:
        """Yield lists of items as they arrive, and an empty list when none arrives for a while.

        Args:
            min_interval: the least number of seconds between two lists, so that a fast stream does
                not wake its consumer for every item. The first list and the end are not delayed.
                Empty lists have this interval, too; with 0, they have `POLL_SECONDS`.

        Raises:
            UsageError: this process was forked after the start, and nothing would ever arrive.
            ResponseTimeoutError: the loop has been blocked for too long.
            BaseException: what the generator raised, after the last list; and what a call raises,
                such as an interrupt of the user.
        """
        self._submit_start()
        interval = min_interval or POLL_SECONDS
        while not (self._done.is_set and self._queue.empty()):
            batch = self._next_batch(interval)
            yield batch
            if self._next_call is not None:
                call, self._next_call = self._next_call, None
                call.run()
            elif not batch:
                self._watch.count_wait(interval)
            elif min_interval:
                self._done.wait(min_interval)
        if self._error is not None:
            raise self._error

    @property
    def is_forked(self) -> bool:
        """True in a process that was forked after the start."""
        return self._watch.is_forked

    def _submit_start(self) -> None:
        # Not in `__enter__`: an interrupt there would skip `__exit__`, and nobody would cancel.
        self.is_on_main = on_main_thread()
        self._is_submitted = True
        self._loop.call_soon_threadsafe(self._start)

    def _next_batch(self, timeout: float) -> list[T]:
        """Return all items in the queue.

        A call ends the batch: the consumer works on the items before it, and then runs it.

        Args:
            timeout: the longest wait for the first item, in seconds.
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
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._done.is_set or not self._is_submitted or sys.is_finalizing() or self.is_forked:
            return
        with defer_interrupts():
            self.cancel()
            # The garbage collector runs in any thread, and may close a forgotten stream on the
            # loop's own: a wait there would hold up what it waits for.
            if not on_loop_thread():
                self._done.wait(_DRAIN_SECONDS)
                if not self._is_cancelled and not self._done.is_set:
                    self._watch.leave()  # the loop is blocked; later answers need another

    def cancel(self) -> None:
        """Cancel the generator, from any thread; its consumer then reaches the end."""
        self._loop.call_soon_threadsafe(self._cancel)


_current: ContextVar[SyncStream[Any] | None] = ContextVar("sync_stream", default=None)
"""The stream that the running task belongs to; None in tasks of other loops."""


async def run_on_consumer(function: Callable[[], T], seconds: float | None = None) -> T:
    """Run a function on the thread that reads the stream, and return its result.

    That is the main thread if it reads the stream: there a function may prompt and plot, and can be
    interrupted. Otherwise the function gets a thread of its own.

    Args:
        function: takes no arguments; what it raises is raised here.
        seconds: the longest time that it may take, from its start; None for no limit.

    Raises:
        TimeoutError: the function took longer. On the main thread it is interrupted; on another
            thread it runs to its end, and its result is dropped.

    Example:
        >>> asyncio.run(run_on_consumer(lambda: 6 * 7))
        42
    """
    stream, call = _current.get(), ConsumerCall(function)
    if stream is not None and stream.is_on_main and not stream.is_done:
        stream.submit(call)
    else:
        context = copy_context()
        threading.Thread(target=context.run, args=(call.run,), daemon=True).start()
    result: T = await call.result(seconds)
    return result
