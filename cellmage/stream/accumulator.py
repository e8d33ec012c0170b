"""The answer that events make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..events import (
    Complete,
    Event,
    Fallback,
    Notice,
    Reasoning,
    Start,
    Token,
    ToolCall,
    ToolResult,
)
from ..messages import Response, Timings, ToolInvocation, ToolStep
from ..pipeline.finish import partial as partial_by


def fold(events: Iterable[Event], *, timings: Timings, partial: str | None) -> Response:
    """The answer that these events make.

    Example:
        >>> fold([Token("Hel"), Token("lo")], timings=Timings(None, 0.1), partial=None).text
        'Hello'
    """
    start, end = Start("", ""), Complete()
    text: list[str] = []
    reasoning: list[str] = []
    notices: list[str] = []
    rounds = Rounds()
    for event in events:
        match event:
            case Token():
                text.append(event.text)
                rounds.say(event.text)
            case ToolCall():
                rounds.ask(ToolInvocation(event.id, event.name, event.arguments))
            case ToolResult():
                rounds.answer(event.id, event.content)
            case Reasoning():
                reasoning.append(event.text)
            case Notice():
                notices.append(event.text)
            case Start():
                start = event
            case Fallback():
                start = Start(event.model, event.provider)
            case Complete():
                end = event
    return Response(
        text="".join(text),
        reasoning="".join(reasoning),
        model=start.model,
        provider=start.provider,
        finish_reason=end.finish_reason,
        usage=end.usage,
        timings=replace(timings, chunks=len(text)),
        incomplete_reason=partial or partial_by(end.finish_reason),
        notices=tuple(notices),
        steps=rounds.end(),
    )


class Rounds:
    """Puts together what a model said and asked for, round by round; pure.

    A round ends where a text or a further request follows a result. A request that is left without
    a result keeps what `ToolInvocation` says of it, so none is ever sent without one.

    Example:
        >>> rounds = Rounds()
        >>> rounds.say("Let me see."); rounds.ask(ToolInvocation("a", "add", "{}")); rounds.answer("a", "5")
        >>> rounds.say("It is 5."); [(each.text, each.calls[0].result) for each in rounds.end()]
        [('Let me see.', '5')]
    """

    def __init__(self) -> None:
        self._rounds: list[ToolStep] = []
        self._text: list[str] = []
        self._calls: list[ToolInvocation] = []
        self._has_result = False

    def say(self, text: str) -> None:
        """A piece of text has come."""
        if self._calls:
            self.end()
        self._text.append(text)

    def ask(self, call: ToolInvocation) -> None:
        """A tool is asked for."""
        if self._has_result:
            self.end()
        self._calls.append(call)

    def answer(self, name: str, result: str) -> None:
        """A tool has given a result; ``name`` is the id of its request."""
        self._has_result = True
        self._calls = _answered(self._calls, name, result)
        # An agent may say something, or ask for more, before it has a result.
        self._rounds = [
            replace(each, calls=tuple(_answered(each.calls, name, result))) for each in self._rounds
        ]

    def end(self) -> tuple[ToolStep, ...]:
        """End the round that is open, if there is one; all of them."""
        if self._calls:
            self._rounds.append(ToolStep("".join(self._text), tuple(self._calls)))
            self._text, self._calls, self._has_result = [], [], False
        return tuple(self._rounds)


def _answered(calls: Iterable[ToolInvocation], name: str, result: str) -> list[ToolInvocation]:
    return [replace(call, result=result) if call.id == name else call for call in calls]
