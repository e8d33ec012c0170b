"""Ask once more, with what is wrong, when an answer does not have the form that was asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from ..events import (
    Complete,
    Event,
    Notice,
    ProviderState,
    Reasoning,
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


@dataclass(frozen=True, slots=True)
class Repair:
    """A check, with how often and with which words the model is asked again; it is a `Check`.

    Args:
        check: returns what is wrong with an answer.
        times: how often the model is asked again.
        prompt: what it is asked; what is wrong takes the place of its braces.
    """

    check: Check
    times: int = 1
    prompt: str = _PROMPT

    def __call__(self, text: str) -> str:
        """Return what is wrong with the text of an answer."""
        return self.check(text)


def repair_answer(check: Check | None, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer, and while something is wrong with it, those of another one.

    An answer that cannot be used counts as reasoning: the text is that of the last one. The tokens
    are those of all. The last answer that may be asked for is not checked.

    Args:
        check: is called with the text after the last tool call, on the consumer's thread; None asks
            once, a `Repair` says how often.
        ask: sends a request.
        request: the first request.
    """
    if check is None:
        return ask(request)
    return _repair(check if isinstance(check, Repair) else Repair(check), ask, request)


async def _repair(repair: Repair, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    attempts: list[_Attempt] = []
    problem = ""
    while True:
        attempt = _Attempt()
        async with aclosing(ask(request)) as events:
            async for event in events:
                for passed in attempt.feed(event):
                    if not (attempts and isinstance(passed, Start)):
                        yield passed
        attempts.append(attempt)
        may_ask = attempt.is_whole and len(attempts) <= repair.times
        complaint = await run_on_consumer(partial(repair, attempt.text)) if may_ask else ""
        if not complaint:
            break
        problem = complaint
        yield Reclassification(attempt.text)
        if repair.times > 1:
            yield Reasoning("\n\n")  # before the text of the next one
        yield Status("The answer cannot be used; asking once more…")
        request = _with_problem(request, attempt.text, repair.prompt.format(problem))
    for event in attempt.rest():
        if problem and isinstance(event, Complete):
            yield _notice(len(attempts), problem)
            yield replace(event, usage=sum_usage([other.end for other in attempts]))
        else:
            yield event


def _notice(count: int, problem: str) -> Notice:
    times = "twice" if count == _TWICE else f"{count} times"
    *_, line = problem.strip().splitlines()
    return Notice("repair", f"The model was asked {times}: {line}")


_TWICE = 2


class _Attempt:
    """An answer: its text after the last tool call, and what waits until that is checked."""

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


def _with_problem(request: Request, text: str, prompt: str) -> Request:
    """Return the request with the answer, and what the model is asked about it."""
    again = Message("assistant", text), Message("user", prompt)
    return replace(request, messages=(*request.messages, *again), notices=())
