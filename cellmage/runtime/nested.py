"""Read one async generator inside another: the outermost one closes all of them, in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from types import TracebackType, coroutine
from typing import Any, Generic, Self, TypeVar, cast

T = TypeVar("T")


class Nested(Generic[T]):
    """An async generator that is read inside another one; leaving the block closes it.

    A loop that ends (`asyncio.run`) closes all generators that it knows, at the same time. If it
    knew nested ones, it would close some while others wait in them, and print a RuntimeError for
    each. So it knows the outermost one alone, which closes the others from the outside in.

    Args:
        source: the generator.

    Example:
        >>> async def numbers():
        ...     yield 1
        ...     yield 2
        >>> async def doubled():
        ...     async with Nested(numbers()) as items:
        ...         return [2 * n async for n in items]
        >>> asyncio.run(doubled())
        [2, 4]
    """

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        self._source = source

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        return cast(Awaitable[T], _run_unregistered(self._source.__anext__))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await _run_unregistered(self._source.aclose)


@coroutine
def _run_unregistered(method: Callable[[], Any]) -> Generator[Any, Any, Any]:
    """Await a method of a generator; generators that start meanwhile are not told to the loop.

    Args:
        method: ``__anext__`` or ``aclose``.
    """
    step: Any = None  # what the method returns; its call alone tells the loop of the generator
    resume: Callable[[Any], Any] | None = None
    value: Any = None
    while True:
        register = sys.get_asyncgen_hooks().firstiter
        sys.set_asyncgen_hooks(firstiter=None)
        try:
            step = step or method()
            future = (resume or step.send)(value)
        except StopIteration as end:
            return end.value
        finally:
            sys.set_asyncgen_hooks(firstiter=register)
        try:
            resume, value = step.send, (yield future)
        except GeneratorExit:
            step.close()
            raise
        except BaseException as error:  # noqa: BLE001 - raised again, inside the generator
            resume, value = step.throw, error


def start_all(*work: Coroutine[Any, Any, None]) -> asyncio.Future[Any]:
    """Start coroutines as one future, about which a loop that ends early reports nothing.

    Asyncio reports a task of `asyncio.create_task` that is left when its loop is closed, and a
    future whose cancellation nobody has seen.
    """
    future = asyncio.gather(*work)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and wait for their ends, even if the waiting task is cancelled meanwhile.

    A generator cannot be closed while a task waits in it.

    Raises:
        CancelledError: the waiting task was cancelled; the others have ended.
    """
    interruption: asyncio.CancelledError | None = None
    while not all(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            interruption = error
    if interruption is not None:
        raise interruption
