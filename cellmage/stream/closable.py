"""What can be closed, by ``with`` and by ``async with``."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from ..runtime.loop import check_event_loop


class Closable(ABC):
    """A stream, or several: leaving a ``with`` or an ``async with`` block closes it.

    Example:
        >>> from cellmage import Conversation
        >>> with Conversation().stream("Hello", model="offline/tour") as stream:
        ...     first = next(iter(stream))
        >>> stream.response.incomplete_reason
        'closed'
    """

    @abstractmethod
    def close(self) -> None:
        """Stop reading and close the connection, from any thread or task."""

    @abstractmethod
    async def aclose(self) -> None:
        """Stop reading, and wait until the connection is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.aclose()


async def close_all(streams: Iterable[Closable]) -> None:
    """Close streams at the same time, and wait until their connections are closed.

    Raises:
        UsageError: no asyncio event loop runs.
    """
    check_event_loop()
    await asyncio.gather(*(stream.aclose() for stream in streams))
