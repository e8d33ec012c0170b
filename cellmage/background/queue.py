"""The jobs of a process: so many run at a time, each on a thread; the others wait in order.

A job belongs to a `JobQueue`, under one lock: it is in `_waiting`, then in `_running`, then in
`_ended`, which keeps the last ones alone. A thread takes job after job and ends when none waits.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass

from ..fork_locks import make_rlock
from ..runtime.interrupts import defer_interrupts
from .answer import BackgroundAnswer

MAX_RUNNING = 8
"""How many answers are read at once: what a server takes, and a page shows."""

_MAX_ENDED = 100
"""How many jobs that have ended are listed."""

_SETTLE_SECONDS = 3.0
"""How long a stop waits for the end of jobs; Jupyter kills a kernel after 5 s."""


@dataclass(frozen=True, slots=True)
class _Job:
    answer: BackgroundAnswer
    work: Callable[[], object]
    context: Context


class JobQueue:
    """Reads answers beside the cells.

    Args:
        max_running: how many jobs run at a time.
    """

    def __init__(self, max_running: int = MAX_RUNNING) -> None:
        self._max_running = max_running
        self._lock = make_rlock()
        self._waiting: deque[_Job] = deque()
        self._running: list[BackgroundAnswer] = []
        self._ended: deque[BackgroundAnswer] = deque(maxlen=_MAX_ENDED)
        self._thread_count = 0
        self._pid = os.getpid()

    @property
    def answers(self) -> Sequence[BackgroundAnswer]:
        """The jobs in the order of asking: all that are under way, and the last that ended."""
        with self._lock:
            listed = [*self._ended, *self._running, *(job.answer for job in self._waiting)]
        return sorted(listed, key=lambda answer: answer.number)

    @property
    def under_way(self) -> Sequence[BackgroundAnswer]:
        """The jobs that have not ended."""
        return [answer for answer in self.answers if not answer.is_done]

    def add(self, answer: BackgroundAnswer, work: Callable[[], object]) -> None:
        """Do work on a thread when one is free, in the context of the caller: its cell.

        Args:
            answer: the job.
            work: reads the answer to its end.
        """
        with defer_interrupts(), self._lock:
            if self._pid != os.getpid():  # the jobs of the process that this one is forked from
                self.__init__(self._max_running)  # type: ignore[misc]
            atexit.unregister(self.close)
            atexit.register(self.close)
            self._waiting.append(_Job(answer, work, copy_context()))
            if self._thread_count < self._max_running:
                self._thread_count += 1
                threading.Thread(target=self._run_jobs, name="cellmage-job", daemon=True).start()

    def _run_jobs(self) -> None:
        while (job := self._take()) is not None:
            job.context.run(job.answer.run, job.work)
            with self._lock:
                self._running.remove(job.answer)
                self._ended.append(job.answer)
            del job  # its context has the whole cell

    def _take(self) -> _Job | None:
        with self._lock:
            if not self._waiting:
                self._thread_count -= 1
                return None
            job = self._waiting.popleft()
            self._running.append(job.answer)
            return job

    def stop(self, answers: Sequence[BackgroundAnswer], seconds: float = _SETTLE_SECONDS) -> int:
        """Stop jobs, wait until what had arrived is kept, and return how many were under way.

        Args:
            answers: the jobs.
            seconds: the longest wait.
        """
        with defer_interrupts(), self._lock:
            stopped = [answer for answer in answers if not answer.is_done]
            dropped = [job.answer for job in self._waiting if job.answer in stopped]
            self._waiting = deque(job for job in self._waiting if job.answer not in dropped)
            self._ended.extend(dropped)
        for answer in stopped:
            answer.stop()
        for answer in dropped:
            answer.end()
        deadline = time.monotonic() + seconds
        for answer in stopped:
            answer.wait_for_end(max(0.0, deadline - time.monotonic()))
        return len(stopped)

    def close(self) -> None:
        """Stop all jobs, at the end of the process or of the extension."""
        atexit.unregister(self.close)
        if self._pid == os.getpid():
            self.stop(self.under_way)
