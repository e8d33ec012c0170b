"""A provider that plays a script, for tests and demonstrations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

from ..events import Complete, Event, Start, Token
from ..messages import Request


class ScriptedProvider:
    """A provider that plays a script, for tests and demonstrations.

    Args:
        steps: what happens, in order: a string is a piece of the answer, a number is a wait in
            seconds, an event is sent as it is, an exception is raised. Without an exception and
            without a `Complete` the answer ends with finish reason ``stop``.
        name: the name of the provider.

    Attributes:
        requests: the requests it was sent, oldest first.

    Example:
        >>> from cellmage import Conversation
        >>> Conversation(provider=ScriptedProvider(["Hel", 0.01, "lo"])).ask("Hi").text
        'Hello'
    """

    def __init__(
        self, steps: Iterable[str | float | Event | Exception], name: str = "scripted"
    ) -> None:
        self.name = name
        self.requests: list[Request] = []
        self._steps: Sequence[str | float | Event | Exception] = list(steps)

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Play the script."""
        self.requests.append(request)
        yield Start(request.options.model or "", self.name)
        last: object = None
        for last in self._steps:
            if isinstance(last, Exception):
                raise last
            if isinstance(last, int | float):
                await asyncio.sleep(last)
            else:
                yield Token(last) if isinstance(last, str) else last
        if not isinstance(last, Complete):
            yield Complete("stop")
