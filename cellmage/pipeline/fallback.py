"""Ask several models in turn until one of them answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import ProviderError
from ..events import CONTENT_EVENTS, Event, Fallback, Notice, Start
from ..messages import Request
from .base import Ask


def answer_from_first(
    models: Sequence[tuple[Ask, str]], request: Request
) -> AsyncGenerator[Event, None]:
    """Yield the events of the first model that gets as far as a token.

    A model that fails before its first token is followed by the next one, and a `Fallback` and a
    `Notice` say so. After the first token no other model is asked.

    Args:
        models: the ways to ask, each with the name of its model, in order.
        request: the request; its model is replaced.

    Raises:
        ProviderError: no model answered; the message names the reason of each.

    Example:
        >>> import asyncio
        >>> from cellmage import Message, Options
        >>> from cellmage.testing import ScriptedProvider
        >>> failing = ScriptedProvider([ProviderError("a is down")])
        >>> working = ScriptedProvider(["Hello"])
        >>> models = [(failing.stream, "a"), (working.stream, "b")]
        >>> request = Request((Message("user", "Hi"),), Options(model="a,b"))
        >>> async def types():
        ...     return [event.type async for event in answer_from_first(models, request)]
        >>> asyncio.run(types())
        ['start', 'fallback', 'notice', 'token', 'complete']
    """
    if len(models) == 1:
        return models[0][0](request)
    return _answer_from_first(_remaining(models, request), request)


def _remaining(models: Sequence[tuple[Ask, str]], request: Request) -> Sequence[tuple[Ask, str]]:
    """Return the models from that of the request on.

    A later step of the same answer begins with the model that gave the step before.
    """
    names = [name for _, name in models]
    model = request.options.model
    return models[names.index(model) :] if model in names else models


async def _answer_from_first(
    models: Sequence[tuple[Ask, str]], request: Request
) -> AsyncGenerator[Event, None]:
    reasons: list[str] = []
    for number, (ask, name) in enumerate(models, 1):
        is_last = number == len(models)
        has_content = False
        model_request = replace(request, options=replace(request.options, model=name))
        async with aclosing(ask(model_request)) as events:
            try:
                async for event in events:
                    has_content = has_content or isinstance(event, CONTENT_EVENTS)
                    for announced in _announce_fallback(event, reasons):
                        yield announced
                return
            except ProviderError as error:
                reasons.append(str(error))
                if has_content:
                    raise
                if is_last:
                    if len(models) > 1:
                        error.args = ("\n".join(["no model answered:", *reasons]),)
                    raise


def _announce_fallback(event: Event, reasons: Sequence[str]) -> list[Event]:
    """Return a `Fallback` and a `Notice` in place of the `Start` of a later model."""
    if not (reasons and isinstance(event, Start)):
        return [event]
    reason = reasons[-1]
    notice = Notice("fallback", f"{event.model} answered, since {reason}")
    return [Fallback(event.model, event.provider, reason), notice]
