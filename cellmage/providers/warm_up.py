"""Import early what the first question of a process would wait for: half a second or more."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from ..errors import CellmageError
from ..runtime.loop import background_loop
from .http_client import http_client, load_sdk
from .registry import default_endpoint

IDLE_SECONDS = 0.3
"""Time for which the process must have been idle before each step."""

_MODULES = (f"{__package__}.chat_client",)
"""What the first request would import besides the SDK."""


def start_warm_up(
    idle_seconds: Callable[[], float],
    modules: Sequence[str] = (),
    steps: Sequence[Callable[[], object]] = (),
) -> Future[None]:
    """Warm up on the background loop while the process is idle; nothing is sent.

    An import takes the interpreter's lock for milliseconds at a time. So it waits until the user's
    code has ended, and between two steps it waits again.

    Args:
        idle_seconds: returns for how long no code of the user has been running; called on the
            loop's thread.
        modules: the names of further modules that the first question needs.
        steps: further functions to call, on a thread; their errors are those of the user's calls.

    Returns:
        A future, which can be cancelled.
    """
    return asyncio.run_coroutine_threadsafe(
        _warm_up(idle_seconds, modules, steps), background_loop()
    )


async def _warm_up(
    idle_seconds: Callable[[], float],
    modules: Sequence[str],
    steps: Sequence[Callable[[], object]],
) -> None:
    await _wait_until_idle(idle_seconds)
    sdk = await load_sdk()
    for name in (*_MODULES, *modules):
        await _wait_until_idle(idle_seconds)
        await asyncio.to_thread(importlib.import_module, name)
    for step in steps:
        await _wait_until_idle(idle_seconds)
        with suppress(CellmageError):
            await asyncio.to_thread(step)
    await _wait_until_idle(idle_seconds)
    with suppress(CellmageError):  # the question that needs this client will say it
        await http_client(sdk, default_endpoint().base_url)


async def _wait_until_idle(idle_seconds: Callable[[], float]) -> None:
    # The cells end on another thread, and no wait is longer than the time that must pass anyhow.
    while (wait := IDLE_SECONDS - idle_seconds()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(wait)
