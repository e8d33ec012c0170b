"""The stages of one answer, in their order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Protocol

from ..events import Event
from ..messages import Request
from .finish import endings
from .retry import retrying
from .shorten import shortening
from .timeouts import FIRST_WORD, IDLE, clocks


class Source(Protocol):
    """What a stream reads from; every provider is one."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer, in the order that `cellmage.events` states."""
        ...


def answer(source: Source, request: Request) -> AsyncGenerator[Event, None]:
    """The events of one answer, through all stages."""
    options = request.options

    def attempt(request: Request) -> AsyncGenerator[Event, None]:
        first_word, idle = options.timeout or FIRST_WORD, options.idle_timeout or IDLE
        return endings(clocks(source.stream(request), first_word=first_word, idle=idle))

    return shortening(lambda shorter: retrying(partial(attempt, shorter)), request)
