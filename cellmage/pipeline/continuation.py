"""Leave out what a continuation repeats of the answer that it continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from ..errors import CellmageError
from ..events import Complete, Event, Notice, Reclassification, Token
from ..messages import Request
from ..text import truncate
from .base import Ask
from .seam import Seam

_MAX_PREFACE_CHARS = 60
"""Characters of a preface that the notice quotes."""


def join_continuation(old_text: str, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of a continuation, without the text that `Seam` finds repeated.

    A notice of kind ``seam`` says what was left out. The first text waits until it is known whether
    it is a repetition.

    Args:
        old_text: the text that is continued; an empty one leaves the answer as it is.
        ask: sends the request.
        request: the request.
    """
    return _join(Seam(old_text), ask, request) if old_text else ask(request)


async def _join(seam: Seam, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    failure: BaseException | None = None
    async with aclosing(ask(request)) as events:
        try:
            async for event in events:
                for joined in _events(seam, event):
                    yield joined
        except (CellmageError, asyncio.CancelledError) as error:
            failure = error  # raised again, after the text that was held back
    if failure is not None:
        if text := seam.flush():
            yield Token(text)
        raise failure


def _events(seam: Seam, event: Event) -> Iterator[Event]:
    """Yield the events in the place of one."""
    if isinstance(event, Token):
        if text := seam.feed(event.text):
            yield Token(text)
        return
    if isinstance(event, Complete | Reclassification) and (text := seam.flush()):
        yield Token(text)
    if isinstance(event, Complete) and seam.repeated:
        yield Notice("seam", _notice(seam))
    yield event


def _notice(seam: Seam) -> str:
    repetition = f"repeated {len(seam.repeated)} characters of the text before"
    if not seam.preface:
        return f"The model {repetition}, which are shown once."
    preface = truncate(seam.preface, _MAX_PREFACE_CHARS)
    return f"The model began with “{preface}” and {repetition}; both are left out."
