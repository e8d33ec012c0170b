"""Run the application with uvicorn, and leave clients that are too slow."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

_MAX_CONNECTIONS = 1_000
_MAX_HEAD_BYTES = 2**16
_SHUTDOWN_SECONDS = 5


def run(application: Starlette, host: str, port: int) -> None:
    """Serve until Ctrl-C.

    Args:
        application: the application, as `app` returns it.
        host: the address to listen at.
        port: the port; 0 takes a free one.
    """
    uvicorn.run(
        application,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        log_level="warning",
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


class Connection(H11Protocol):
    """A connection of uvicorn with the time limits that uvicorn lacks.

    uvicorn limits the time between two requests only. Its `close` waits until the client has read
    everything; `abort` does not, and the application is told that the client has left.

    Attributes:
        head_seconds: the time in which a client must send the head of a request.
        read_seconds: the time in which a client must read what was sent, but for the last 16 KiB.
    """

    head_seconds = 20.0
    read_seconds = 30.0

    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waits."""
        for timer in (self._head_timer, self._read_timer):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, and for the rest of a body that nobody reads."""
        self._await_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read (asyncio calls it when the buffer is full)."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """End that wait."""
        if self._read_timer:
            self._read_timer.cancel()
        super().resume_writing()

    def _await_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(self.head_seconds, self._leave_if_idle)

    def _leave_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
