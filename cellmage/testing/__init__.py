"""Test doubles for code that uses cellmage: a provider, a server, fixtures for pytest.

The fixtures of the plugin are available in every test once cellmage is installed: see
`cellmage.testing.plugin`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from ..pipeline import retry
from ..providers.scripted import ScriptedProvider

__all__ = ["ScriptedProvider", "speed_up_retries"]


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
