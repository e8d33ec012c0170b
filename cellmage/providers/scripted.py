"""A test double: a provider that plays a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

from ..events import Complete, Event, Start, Token
from ..messages import Request


class ScriptedProvider:
    """A provider that plays a script, for tests and demonstrations.

    Args:
        steps: the script. A string is a piece of the answer, a number is a wait in seconds, an
            event is yielded as it is, an exception is raised. If the script ends without a
            `Complete` or an exception, the answer ends with the finish reason ``stop``.
        name: the name of the provider.

    Attributes:
        requests: the requests that it received, oldest first.

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
        """Yield the events of the script."""
        self.requests.append(request)
        yield Start(request.options.model or "", self.name)
        step: object = None
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, int | float):
                await asyncio.sleep(step)
            else:
                yield Token(step) if isinstance(step, str) else step
        if not isinstance(step, Complete):
            yield Complete("stop")
