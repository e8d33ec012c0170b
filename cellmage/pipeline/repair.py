"""Ask once more, with what is wrong, when an answer does not have the form that was asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ..events import (
    Complete,
    Event,
    Notice,
    ProviderState,
    Reclassification,
    Start,
    Status,
    Token,
    ToolCall,
)
from ..messages import Message, Request
from ..runtime.sync_stream import run_on_consumer
from .base import Ask
from .finish_reasons import incomplete_reason
from .tools import sum_usage

Check = Callable[[str], str]
"""Returns what is wrong with the text of an answer; an empty text if nothing is."""

_PROMPT = "This answer cannot be used: {} Answer again: the corrected JSON only."


def repair_answer(check: Check | None, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer, and if something is wrong with it, those of a second one.

    The first answer then counts as reasoning: the text is that of the second. The tokens are those
    of both. A second answer is not checked.

    Args:
        check: is called with the text after the last tool call, on the consumer's thread; None asks
            once.
        ask: sends a request.
        request: the first request.
    """
    return _repair(check, ask, request) if check else ask(request)


async def _repair(check: Check, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    first = _Attempt()
    async with aclosing(ask(request)) as events:
        async for event in events:
            for passed in first.feed(event):
                yield passed
    problem = await run_on_consumer(partial(check, first.text)) if first.is_whole else ""
    if not problem:
        for event in first.rest():
            yield event
        return
    yield Reclassification(first.text)
    yield Status("The answer cannot be used; asking once more…")
    async with aclosing(_second(ask, _with_problem(request, first.text, problem))) as events:
        async for event in events:
            if isinstance(event, Complete):
                yield Notice("repair", f"The model was asked twice: {problem}")
                yield replace(event, usage=sum_usage([first.end, event]))
            else:
                yield event


class _Attempt:
    """The first answer: its text after the last tool call, and what waits until that is checked."""

    def __init__(self) -> None:
        self.text = ""
        self.end: Complete | None = None
        self._states: list[ProviderState] = []  # what goes back with the text

    @property
    def is_whole(self) -> bool:
        """True if there is a text, and its end has arrived."""
        is_ended = self.end is not None and not incomplete_reason(self.end.finish_reason)
        return bool(self.text) and is_ended

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield the events that need not wait, once this one has arrived."""
        match event:
            case ProviderState():
                self._states.append(event)
                return
            case Complete():
                self.end = event
                return
            case Token():
                self.text += event.text
            case Reclassification():
                self.text = self.text.removesuffix(event.text)
            case ToolCall():
                yield from self._states
                self._states, self.text = [], ""
        yield event

    def rest(self) -> Iterator[Event]:
        """Yield the events that have waited."""
        yield from self._states
        if self.end is not None:
            yield self.end


async def _second(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    async with aclosing(ask(request)) as events:
        async for event in events:
            if not isinstance(event, Start):
                yield event


def _with_problem(request: Request, text: str, problem: str) -> Request:
    """Return the request with the answer, and what is wrong with it."""
    again = Message("assistant", text), Message("user", _PROMPT.format(problem))
    return replace(request, messages=(*request.messages, *again))
