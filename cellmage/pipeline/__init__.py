"""The stages between a provider and a reader.

The walk of an event: ``provider.stream`` → `clocks` (time limits) → `endings` (what the end means)
→ `retrying` (asking again, before the first word) → `shortening` (leaving out old turns) →
`FallbackProvider`, where there are several → `ToolsProvider`, which asks again with what tools gave
→ `RetrievingProvider`, which searches first → `stopping` and `watching` (for phrases) →
the stream that is read. Each stage is an async generator that closes the one before it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace

from ..events import Event
from ..messages import Request
from ..tools import Tool
from .answering import Source, answer
from .fallback import FallbackProvider
from .phrases import stopping, watching
from .retrieval import Retrieve, RetrievingProvider
from .timeouts import FIRST_WORD, IDLE
from .tools import Approve, ToolsProvider

__all__ = [
    "FIRST_WORD",
    "IDLE",
    "Approve",
    "FallbackProvider",
    "Retrieve",
    "RetrievingProvider",
    "Source",
    "equipped",
    "searched",
    "staged",
]


def searched(source: Source, what: str, retrieve: Retrieve) -> RetrievingProvider:
    """The same source, with a search before the question."""

    return RetrievingProvider(_within(source), retrieve, what)


def equipped(
    source: Source, tools: Mapping[str, Tool], approve: Approve | None, safe: Callable[[str], str]
) -> ToolsProvider:
    """The same source, with tools that it may ask for."""
    return ToolsProvider(_within(source), tools, approve, safe)


def _within(source: Source) -> Callable[[Request], AsyncGenerator[Event, None]]:
    """Asks a source that another one is made of."""

    def ask(request: Request) -> AsyncGenerator[Event, None]:
        # Phrases are looked for once, around all of it.
        options = replace(request.options, stop_at=None, watch=None)
        return staged(source, replace(request, options=options))

    return ask


def staged(source: Source, request: Request) -> AsyncGenerator[Event, None]:
    """The events of one answer, through all stages."""
    # Those that are made of others have the stages within.
    is_several = isinstance(source, FallbackProvider | RetrievingProvider | ToolsProvider)
    events = source.stream(request) if is_several else answer(source, request)
    if request.options.stop_at:
        events = stopping(events, request.options.stop_at)
    if request.options.watch:
        events = watching(events, request.options.watch)
    return events
