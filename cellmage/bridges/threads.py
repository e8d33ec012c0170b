"""Read an iterator that blocks, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress
from typing import Any


async def iterate_in_thread(source: Callable[[], Generator[Any]]) -> AsyncGenerator[Any, None]:
    """Yield what a generator yields; when this one is closed, it is closed after its next item.

    Args:
        source: makes the generator, on the thread.

    Example:
        >>> async def numbers():
        ...     return [number async for number in iterate_in_thread(lambda: (n for n in (1, 2)))]
        >>> asyncio.run(numbers())
        [1, 2]
    """
    loop, is_closed = asyncio.get_running_loop(), threading.Event()
    items: asyncio.Queue[tuple[Any, Exception | None]] = asyncio.Queue()

    def put(item: Any, error: Exception | None = None) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody reads
            loop.call_soon_threadsafe(items.put_nowait, (item, error))

    def read() -> None:
        error: Exception = StopAsyncIteration()
        try:
            with closing(source()) as generator:
                for item in generator:
                    if is_closed.is_set():
                        break
                    put(item)
        except Exception as caught:  # noqa: BLE001 - raised below
            error = caught
        put(None, error)

    threading.Thread(target=read, name="cellmage-bridge", daemon=True).start()
    try:
        while True:
            item, error = await items.get()
            if isinstance(error, StopAsyncIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        is_closed.set()
