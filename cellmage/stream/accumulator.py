"""Make the `Response` of the events of an answer; no I/O, the clock is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..events import (
    Complete,
    Document,
    Event,
    Fallback,
    Kept,
    Marks,
    Notice,
    ProviderState,
    Reasoning,
    Reclassification,
    Start,
    Token,
    ToolCall,
    ToolResult,
)
from ..messages import Response, Timings, ToolInvocation, ToolStep
from ..pipeline import finish_reasons


class Accumulator:
    """The events of one answer that have arrived, with the times of its start and first token.

    Events are added on the thread that reads the network; the response may be asked for on any.

    Args:
        response_id: the id of the response.
        clock: returns seconds of any monotonic clock.

    Example:
        >>> accumulator = Accumulator("r1", clock=iter([10.0, 10.5, 12.0]).__next__)
        >>> accumulator.start()
        >>> accumulator.add(Token("Hel")); accumulator.add(Token("lo"))
        >>> response = accumulator.response("interrupted")
        >>> response.text, response.timings.time_to_first_token, response.timings.duration
        ('Hello', 0.5, 2.0)
    """

    def __init__(self, response_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._id = response_id
        self._clock = clock
        self._events: list[Event] = []
        self._started_at: float | None = None
        self._first_token_at: float | None = None

    def start(self) -> None:
        """Start the clock, when the request is about to be sent."""
        self._started_at = self._clock()

    @property
    def has_started(self) -> bool:
        """True once `start` was called."""
        return self._started_at is not None

    def add(self, event: Event) -> None:
        """Add an event that has just arrived."""
        self._events.append(event)
        if self._first_token_at is None and isinstance(event, Token):
            self._first_token_at = self._clock()
        elif isinstance(event, Reclassification):
            settled = apply_reclassifications(self._events)
            if not any(isinstance(other, Token) for other in settled):
                self._first_token_at = None

    @property
    def events(self) -> list[Event]:
        """A copy of the events so far."""
        return list(self._events)

    @property
    def is_complete(self) -> bool:
        """True if the answer has ended by itself."""
        return bool(self._events) and isinstance(self._events[-1], Complete)

    def response(self, incomplete_reason: str | None) -> Response:
        """Return the answer so far.

        Args:
            incomplete_reason: what cut the answer; None for a complete one.
        """
        now = self._clock()
        started_at = now if self._started_at is None else self._started_at
        first = None if self._first_token_at is None else self._first_token_at - started_at
        response = accumulate(
            self.events,
            timings=Timings(first, now - started_at),
            incomplete_reason=incomplete_reason,
        )
        return replace(response, id=self._id)


def accumulate(
    events: Sequence[Event], *, timings: Timings, incomplete_reason: str | None
) -> Response:
    """Return the answer that these events make.

    Args:
        events: in their order.
        timings: of the answer, unless it is a recorded one that has its own; the number of its
            chunks is counted here.
        incomplete_reason: what cut the answer; None lets the finish reason decide.

    Example:
        >>> events = [Token("Hel"), Token("lo")]
        >>> accumulate(events, timings=Timings(None, 0.1), incomplete_reason=None).text
        'Hello'
    """
    events = apply_reclassifications(events)
    starts = [event for event in events if isinstance(event, Start | Fallback)]
    start = starts[-1] if starts else Start("", "")
    ends = [event for event in events if isinstance(event, Complete)]
    end = ends[-1] if ends else Complete()
    texts = [event.text for event in events if isinstance(event, Token)]
    steps, state = _steps(events)
    kept = next((event for event in events if isinstance(event, Kept)), Kept("", False))
    return Response(
        text="".join(texts),
        reasoning="".join(event.text for event in events if isinstance(event, Reasoning)),
        model=start.model,
        provider=start.provider,
        finish_reason=end.finish_reason,
        usage=end.usage,
        timings=replace(kept.timings or timings, chunks=len(texts)),
        incomplete_reason=incomplete_reason or finish_reasons.incomplete_reason(end.finish_reason),
        notices=tuple(event.text for event in events if isinstance(event, Notice)),
        steps=steps,
        sources=tuple(event for event in events if isinstance(event, Document)),
        state=state,
        kept_from=kept.asked_on,
        marks=tuple(mark for event in events if isinstance(event, Marks) for mark in event.marks),
    )


def apply_reclassifications(events: Sequence[Event]) -> Sequence[Event]:
    """Return the events with the text that turned out to be reasoning as `Reasoning`.

    Example:
        >>> from cellmage.events import Reclassification
        >>> apply_reclassifications([Token("hm"), Reclassification("hm"), Token("Hello")])
        [Reasoning(text='hm'), Token(text='Hello')]
    """
    if not any(isinstance(event, Reclassification) for event in events):
        return events
    settled: list[Event] = []
    for event in events:
        if isinstance(event, Reclassification):
            settled = _with_reasoning(settled, len(event.text))
        else:
            settled.append(event)
    return settled


def _with_reasoning(events: Sequence[Event], chars: int) -> list[Event]:
    """Return the events, of whose text the last characters are reasoning."""
    result: list[Event] = []
    for event in reversed(events):
        if not chars or not isinstance(event, Token):
            result.append(event)
            continue
        start = max(0, len(event.text) - chars)
        chars -= len(event.text) - start
        result.append(Reasoning(event.text[start:]))
        if start:
            result.append(Token(event.text[:start]))
    return result[::-1]


def _steps(
    events: Sequence[Event],
) -> tuple[tuple[ToolStep, ...], tuple[ProviderState, ...]]:
    """Return the steps with tools, and the provider's state that belongs to the text after them."""
    steps = StepBuilder()
    for event in events:
        match event:
            case Token():
                steps.add_text(event.text)
            case ProviderState():
                steps.add_state(event)
            case ToolCall():
                steps.add_call(ToolInvocation(event.id, event.name, event.arguments))
            case ToolResult():
                steps.add_result(event.id, event.content)
    return steps.finish(), steps.open_state


class StepBuilder:
    """Puts texts, tool calls and results together, step by step; pure.

    A step ends where a text or a further call follows a result. A call without a result keeps the
    default result of `ToolInvocation`, so that no call is ever sent without one.

    Example:
        >>> steps = StepBuilder()
        >>> steps.add_text("Let me see."); steps.add_call(ToolInvocation("a", "add", "{}"))
        >>> steps.add_result("a", "5"); steps.add_text("It is 5.")
        >>> [(step.text, step.calls[0].result) for step in steps.finish()]
        [('Let me see.', '5')]
    """

    def __init__(self) -> None:
        self._steps: list[ToolStep] = []
        self._texts: list[str] = []
        self._calls: list[ToolInvocation] = []
        self._state: list[ProviderState] = []
        self._has_result = False

    @property
    def open_state(self) -> tuple[ProviderState, ...]:
        """The state after the last step."""
        return tuple(self._state)

    def add_text(self, text: str) -> None:
        """Add a piece of text."""
        if self._calls:
            self.finish()
        self._texts.append(text)

    def add_state(self, state: ProviderState) -> None:
        """Add what the provider demands back with this step."""
        if self._has_result:
            self.finish()
        self._state.append(state)

    def add_call(self, call: ToolInvocation) -> None:
        """Add a tool call."""
        if self._has_result:
            self.finish()
        self._calls.append(call)

    def add_result(self, call_id: str, result: str) -> None:
        """Add the result of a call that was added before."""
        self._has_result = True
        self._calls = _with_result(self._calls, call_id, result)
        # An agent may write text, or call another tool, before it has the result of this one.
        self._steps = [
            replace(step, calls=tuple(_with_result(step.calls, call_id, result)))
            for step in self._steps
        ]

    def finish(self) -> tuple[ToolStep, ...]:
        """End the open step, if there is one, and return all steps."""
        if self._calls:
            step = ToolStep("".join(self._texts), tuple(self._calls), self.open_state)
            self._steps.append(step)
            self._texts, self._calls, self._state, self._has_result = [], [], [], False
        return tuple(self._steps)


def _with_result(
    calls: Iterable[ToolInvocation], call_id: str, result: str
) -> list[ToolInvocation]:
    return [replace(call, result=result) if call.id == call_id else call for call in calls]
