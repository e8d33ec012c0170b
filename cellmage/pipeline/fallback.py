"""Several providers as one: the next one is asked when one fails before its first word."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import ProviderError
from ..events import BEGUN, Event, Fallback, Notice, Start
from ..messages import Request
from .answering import Source, answer


class FallbackProvider:
    """A provider made of providers.

    What fails before its first word is followed by the next, and the reader is told; after the
    first word nothing is asked again.

    Args:
        choices: the providers, each with the model that it is asked for, in order.

    Example:
        >>> import asyncio
        >>> from cellmage import Message, Options, ResponseStream
        >>> from cellmage.providers.scripted import ScriptedProvider
        >>> request = Request((Message("user", "Hi"),), Options(model="a,b"))
        >>> failing, working = ScriptedProvider([ProviderError("a is down")]), ScriptedProvider(["Hello"])
        >>> stream = ResponseStream(request, FallbackProvider([(failing, "a"), (working, "b")]))
        >>> "".join(stream), stream.response.model, stream.response.notices
        ('Hello', 'b', ('b answered, since a is down',))
    """

    name = "fallback"

    def __init__(self, choices: Sequence[tuple[Source, str]]) -> None:
        self._choices = choices

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of the first provider that gets as far as a word."""
        reasons: list[str] = []
        # A further round of the same answer begins with the model that gave the one before.
        models = [model for _, model in self._choices]
        first = models.index(request.options.model) if request.options.model in models else 0
        for number, (source, model) in enumerate(self._choices[first:], first + 1):
            own = replace(request, options=replace(request.options, model=model))
            has_word = False
            async with aclosing(answer(source, own)) as events:
                try:
                    async for event in events:
                        has_word = has_word or isinstance(event, BEGUN)
                        for each in _told(event, reasons):
                            yield each
                    return
                except ProviderError as error:
                    reasons.append(str(error))
                    if not has_word and number == len(self._choices) > 1:
                        error.args = ("\n".join(["no model answered:", *reasons]),)
                    if has_word or number == len(self._choices):
                        raise


def _told(event: Event, reasons: list[str]) -> list[Event]:
    """A later start is told as a fallback."""
    if not (reasons and isinstance(event, Start)):
        return [event]
    reason = reasons[-1]
    what = Notice("fallback", f"{event.model} answered, since {reason}")
    return [Fallback(event.model, event.provider, reason), what]
