"""What a tool reports while it runs: lines for the status, and notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from .events import Notice, Status
from .runtime.nested import cancel_and_wait

Report = Callable[[Status | Notice], None]

_report: ContextVar[Report | None] = ContextVar("tool_report", default=None)


def current_report() -> Report:
    """Return the function to which the running tool reports, on any thread."""
    return _report.get() or (lambda event: None)


async def run_with_reports(
    work: Coroutine[Any, Any, str],
) -> AsyncGenerator[Status | Notice | str, None]:
    """Run a coroutine, and yield what it reports, then its result.

    A status that nobody has read yet is replaced by the next one: a tool may report faster than
    anybody reads.

    Example:
        >>> async def work():
        ...     current_report()(Status("half"))
        ...     return "done"
        >>> async def events():
        ...     return [event async for event in run_with_reports(work())]
        >>> asyncio.run(events())
        [Status(text='half', call_id=''), 'done']
    """
    loop, wake = asyncio.get_running_loop(), asyncio.Event()
    pending: list[Status | Notice] = []

    def add(event: Status | Notice) -> None:
        if pending and isinstance(pending[-1], Status) and isinstance(event, Status):
            pending.pop()
        pending.append(event)
        wake.set()

    def report(event: Status | Notice) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(add, event)

    token = _report.set(report)
    try:
        task = loop.create_task(work)
    finally:
        _report.reset(token)
    task.add_done_callback(lambda done: wake.set())
    try:
        while not task.done() or pending:
            await wake.wait()
            wake.clear()
            events, pending[:] = list(pending), []
            for event in events:
                yield event
        yield task.result()
    finally:
        await cancel_and_wait(task)
