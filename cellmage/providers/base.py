"""The protocol of a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from ..errors import CellmageError
from ..events import Event
from ..messages import Request


@runtime_checkable
class Provider(Protocol):
    """Answers requests.

    A provider keeps no state of an answer, so that several answers may arrive at the same time.

    Example:
        >>> from cellmage import Complete, Conversation, Start, Token
        >>> class Constant:
        ...     name = "constant"
        ...     async def stream(self, request):
        ...         yield Start(request.options.model or "", self.name)
        ...         yield Token("42")
        ...         yield Complete("stop")
        >>> Conversation(provider=Constant()).ask("What is the answer?").text
        '42'
    """

    @property
    def name(self) -> str:
        """The name under which the user knows it, such as its host."""
        ...

    def stream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the events of one answer: `Start` first, `Complete` last.

        Write it as an async generator function. It runs on cellmage's event loop, not on the
        thread of the consumer, so it must not wait without ``await``: that blocks all answers, and
        after the time limits of the request it is an error. When the user stops reading, the
        generator is closed: any `yield` or `await` in it may raise `GeneratorExit` or
        `asyncio.CancelledError`. Release connections in a ``finally`` block or an ``async with``.

        Args:
            request: the messages, the options (``request.options.model`` is the name of the
                model), and the schemas of the tools that the model may call.

        Raises:
            CellmageError: the answer failed. A `ProviderError` with ``retries`` is asked again.
        """
        ...


@runtime_checkable
class ModelLister(Protocol):
    """A provider that can list its models."""

    name: str

    async def models(self) -> list[str]:
        """Return the names of its models, sorted.

        Raises:
            CellmageError: the server returned no list.
        """
        ...


@runtime_checkable
class Adviser(Protocol):
    """A provider that can say more about a failure."""

    async def advise(self, error: CellmageError) -> None:
        """Add to the message of an error what the user can type instead; it may ask the server."""
        ...
