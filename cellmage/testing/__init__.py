"""Test doubles for code that uses cellmage: a provider, an HTTP server, fixtures for pytest.

`ScriptedProvider` answers within the process. `ScriptedServer` answers over HTTP, and breaks the
connection wherever its script says. The fixtures are in `cellmage.testing.plugin`, which pytest
loads by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from ..pipeline import retry
from ..providers.scripted import ScriptedProvider
from .chunks import DONE, Step, answer, chunk, finish, sse, tool_call, usage
from .replies import Exchange, Reply, ReplyFields
from .server import ScriptedServer

__all__ = [
    "DONE",
    "Exchange",
    "Reply",
    "ReplyFields",
    "ScriptedProvider",
    "ScriptedServer",
    "Step",
    "answer",
    "chunk",
    "finish",
    "speed_up_retries",
    "sse",
    "tool_call",
    "usage",
]


@contextmanager
def speed_up_retries(factor: float = 100.0) -> Generator[None]:
    """Shorten the waits between two attempts while the block runs; the texts stay the same.

    Args:
        factor: how many times shorter a wait is.

    Example:
        >>> from cellmage import Conversation, ProviderError
        >>> error = ProviderError("busy"); error.retries = 1
        >>> with speed_up_retries():
        ...     Conversation(provider=ScriptedProvider([error])).ask("Hi")
        Traceback (most recent call last):
        cellmage.errors.ProviderError: busy
    """
    original = retry.sleep
    retry.sleep = lambda seconds: asyncio.sleep(seconds / factor)
    try:
        yield
    finally:
        retry.sleep = original
