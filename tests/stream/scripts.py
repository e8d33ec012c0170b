"""Streams that play a script, and the two ways to read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cellmage import Conversation, Event, ResponseStream
from cellmage.testing import ScriptedProvider

Steps = list[str | float | Event | Exception]


def ask(steps: Steps, **overrides: float) -> tuple[Conversation, ResponseStream]:
    """Return a conversation whose provider plays these steps, and a stream of it."""
    chat = Conversation(provider=ScriptedProvider(steps))
    return chat, chat.stream("hi", **overrides)  # type: ignore[arg-type]


async def gather(stream: ResponseStream) -> list[str]:
    return [text async for text in stream]


def read_async(stream: ResponseStream) -> list[str]:
    return asyncio.run(gather(stream))


READERS: list[Callable[[ResponseStream], list[str]]] = [list, read_async]
