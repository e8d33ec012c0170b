"""The connections of this process: begun at the first use, shared, ended with the process."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import UsageError
from ..runtime.loop import background_loop, on_loop_thread
from ..runtime.sync_stream import SyncStream
from .config import ServerConfig
from .connection import Connection

T = TypeVar("T")

_END_SECONDS = 1.0
"""How long the process waits at its end; servers that take longer end soon after it."""


class _Pool:
    """The connections on one event loop, by file and name. All methods run on that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.pid = os.getpid()
        self._connections: dict[tuple[Path, str], Connection] = {}

    def connect(self, config: ServerConfig) -> tuple[Connection, bool]:
        """Return the connection to a server, and whether the one before it was lost.

        Raises:
            ConfigError: a variable is not set.
        """
        key = (config.file, config.name)
        old = self._connections.get(key)
        if old is not None and old.is_usable and old.config == config:
            return old, False
        if old is not None:
            old.stop()
        self._connections[key] = connection = Connection(config)
        was_lost = old is not None and old.was_ready and old.config == config
        return connection, was_lost

    async def stop(self) -> None:
        """End all connections, and wait for their ends."""
        connections = list(self._connections.values())
        for connection in connections:
            connection.stop()
        await asyncio.gather(*(connection.wait_stopped() for connection in connections))


_pools: list[_Pool] = []
"""The pool of the current loop, if there is one."""


def connect(config: ServerConfig) -> tuple[Connection, bool]:
    """Return the connection to a server, as `_Pool.connect`; call it on the background loop."""
    loop = asyncio.get_running_loop()
    if not _pools:
        atexit.register(_stop_all)
    if not _pools or _pools[0].loop is not loop or _pools[0].pid != os.getpid():
        _pools[:] = [_Pool(loop)]
    return _pools[0].connect(config)


def _stop_all() -> None:
    for pool in _pools:
        # A forked process has the list, but neither the loop nor the servers.
        if pool.pid == os.getpid() and pool.loop.is_running():
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(pool.stop(), pool.loop).result(_END_SECONDS)


async def run_on_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop, from any loop; cancelling it cancels the work."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, background_loop()))


def wait_on_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop, and wait for it; an interrupt cancels it.

    Raises:
        UsageError: the caller runs on that loop, and would wait for ever.
    """
    if on_loop_thread():
        work.close()
        raise UsageError("list the tools of MCP servers before the question, not in a tool")

    async def once() -> Any:
        yield await work

    with SyncStream(once()) as stream:
        (result,) = [item for batch in stream.batches() for item in batch]
    value: T = result
    return value
