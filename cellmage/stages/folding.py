"""The answer that events make."""

from __future__ import annotations

from collections.abc import Iterable

from ..events import Complete, Event, Fallback, Notice, Reasoning, Start, Token
from ..messages import Response, Timings
from .finish import partial as partial_by


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
    for event in events:
        match event:
            case Token():
                text.append(event.text)
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
        timings=timings,
        partial=partial or partial_by(end.finish_reason),
        notices=tuple(notices),
    )
