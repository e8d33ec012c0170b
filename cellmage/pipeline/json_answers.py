"""Tell the user about an answer that is JSON only in a lenient reading."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from ..events import Complete, Event, Notice, Reclassification, Token, ToolCall
from ..lenient_json import read_json
from ..messages import Request
from .base import Ask


def notify_on_lenient_json(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield a `Notice` of kind ``json`` before the end of an answer that is not plain JSON.

    Only where ``response_format`` asks for JSON. What cannot be read at all is the error of the
    consumer that reads the value.
    """
    is_json = "response_format" in request.options.extra_body
    return _notify_on_lenient_json(ask, request) if is_json else ask(request)


async def _notify_on_lenient_json(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    texts: list[str] = []
    async with aclosing(ask(request)) as events:
        async for event in events:
            match event:
                case Token():
                    texts.append(event.text)
                case ToolCall() | Reclassification():  # text before it is not the answer
                    texts.clear()
                case Complete():
                    if notice := _notice("".join(texts)):
                        yield Notice("json", notice)
            yield event


def _notice(text: str) -> str:
    with suppress(ValueError):
        return read_json(text).notice
    return ""
