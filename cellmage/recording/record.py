"""A recorded answer: what it depends on, the answer, and the events of its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import KINDS, CellmageError, ProviderError, ReplayError
from ..events import Complete, Event, Reasoning, Start, Token, ToolCall, ToolResult
from ..messages import Response
from ..pipeline.finish_reasons import notice_of
from ..turns import CellRef
from .inputs import Inputs

_ERRORS: Mapping[str, type[CellmageError]] = {
    "interrupted": ReplayError,
    **{error.kind: error for error in ProviderError.__subclasses__()},
}
"""The error for some kinds of cuts; it is `ProviderError` for the others."""

_ENDS = ("length", "content_filter")
"""What cuts the same answer at the same place whenever it is asked for."""


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event of a recorded stream.

    Args:
        seconds: from the start of the request.
        event: the event, as it was received.
    """

    seconds: float
    event: Event


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded answer.

    Args:
        inputs: what the answer depends on.
        prompt: the text of the question, as it was sent.
        response: the answer; one that was cut is incomplete.
        asked_on: the day of the request, as ``"2026-11-27"``.
        number: which of several answers to the same inputs it is, from 1: prompts in a loop
            have one each.
        cell_id: the cell that asked; empty outside of a notebook.
        question: the zero-based index of the question within one run of the cell.
        events: the events of the stream; none if the answer alone is kept.
    """

    inputs: Inputs
    prompt: str
    response: Response
    asked_on: str
    number: int = 1
    cell_id: str = ""
    question: int = 0
    events: tuple[TimedEvent, ...] = ()

    @property
    def cell(self) -> CellRef | None:
        """The question of the cell that asked; None outside of a notebook."""
        return CellRef(self.cell_id, self.question) if self.cell_id else None

    @property
    def is_complete(self) -> bool:
        """True if the model ended the answer itself; asked again, it would end there again."""
        reason = self.response.incomplete_reason
        return reason is None or (reason in _ENDS and self.response.finish_reason is not None)

    def error(self) -> CellmageError | None:
        """Return the error of an answer that was cut; None for one that has its end.

        Example:
            >>> cut = Response("Hel", incomplete_reason="connection_lost", model="m")
            >>> Record(Inputs(()), "Hi", cut, "2026-11-27").error()
            IncompleteResponseError('the recorded answer was cut (connection_lost)')
        """
        *_, last = self.timed_events()
        reason = self.response.incomplete_reason
        if isinstance(last.event, Complete) or reason is None:
            return None
        kind: Any = reason if reason in KINDS else "interrupted"
        error: type[CellmageError] = _ERRORS.get(kind, ProviderError)
        return error(
            f"the recorded answer was cut ({reason})",
            kind=kind,
            host=self.response.provider or None,
            model=self.response.model or None,
        )

    def timed_events(self) -> Iterator[TimedEvent]:
        """Yield the events of the stream; those that make the same answer, if none are kept.

        The last one is `Complete`, unless the answer was cut.
        """
        if self.events:
            yield from self.events
            return
        for event in events_of(self.response):
            yield TimedEvent(0.0, event)


def events_of(response: Response) -> Iterator[Event]:
    """Yield events that make this answer.

    Example:
        >>> [event.type for event in events_of(Response("Hello", reasoning="Hm."))]
        ['start', 'reasoning', 'token', 'complete']
    """
    yield Start(response.model, response.provider)
    if response.reasoning:
        yield Reasoning(response.reasoning)
    for step in response.steps:
        if step.text:
            yield Token(step.text)
        yield from step.state
        for call in step.calls:
            yield ToolCall(call.id, call.name, call.arguments)
        for call in step.calls:
            yield ToolResult(call.id, call.name, call.result)
    if response.final_text:
        yield Token(response.final_text)
    yield from response.state
    yield from response.sources
    if notice := notice_of(response.finish_reason):
        yield notice
    if response.incomplete_reason is None or response.finish_reason is not None:
        yield Complete(response.finish_reason, response.usage)
