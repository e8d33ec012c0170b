"""A connection to a server, on cellmage's event loop.

==========  ==============================================  ==========
state       event                                           next state
==========  ==============================================  ==========
starting    the server has answered the handshake           ready
starting    an error, or the time is over                   ended
ready       `stop`; the server closed the connection        ended
==========  ==============================================  ==========

One task enters and leaves the SDK's context managers: their cancel scopes belong to a task.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from ..errors import ConfigError
from ..providers.masking import mask_error
from ..text import clean_message, truncate
from .config import ServerConfig
from .results import MCPToolError, result_text
from .sdk import load_sdk
from .secrets import find_secrets
from .transports import StderrTail, open_transport

_START_SECONDS = 60.0
_MAX_PAGES = 100
"""The pages of a list of tools; a server may send one for ever."""

_MAX_ERROR_CHARS = 400

OnProgress = Callable[[float, float | None, str | None], Awaitable[None]]


class Connection:
    """A connection that has been begun.

    Args:
        config: the server; its variables are expanded here.

    Attributes:
        config: as the argument.

    Raises:
        ConfigError: a variable is not set.
    """

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._expanded = config.expand()
        self._secrets = find_secrets(self._expanded)
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        self._task = asyncio.create_task(self._run())

    @property
    def is_usable(self) -> bool:
        """True until the server has ended, or could not be started."""
        return not (self._stop.is_set() or self._task.done())

    @property
    def was_ready(self) -> bool:
        """True if the server has answered the handshake once."""
        return self._ready.done() and self._ready.exception() is None

    async def tools(self) -> list[Any]:
        """Return the tools of the server, as the SDK has them.

        Raises:
            ConfigError: the server could not be started, or sent no list.
        """
        client = await asyncio.shield(self._ready)
        tools: list[Any] = []
        cursor, failure = None, None
        try:
            async with asyncio.timeout(_start_seconds()):
                for _ in range(_MAX_PAGES):
                    page = await client.list_tools(cursor=cursor, cache_mode="refresh")
                    tools += page.tools
                    if (cursor := page.next_cursor) is None:
                        break
        except Exception as error:  # noqa: BLE001 - the server's side; reported as our error
            failure = self._failure("has sent no list of its tools", error, "")
        if failure is not None:
            raise failure
        return tools

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress) -> str:
        """Call a tool, and return the text of its result.

        Raises:
            MCPToolError: the tool failed, or the server did.
            ConfigError: the server could not be started.
        """
        client = await asyncio.shield(self._ready)
        problem = ""
        try:
            result = await client.call_tool(tool, arguments, progress_callback=on_progress)
        except Exception as error:  # noqa: BLE001 - the server's side; the model is told
            cause = root_cause(error)
            problem = _describe(cause) or "it failed"
            if _is_lost(cause):
                self.stop()
                problem = f"{self.config.label} was lost during the call: {problem}"
        if problem:  # outside of the handler, as an ExceptionGroup may be the context
            raise MCPToolError(problem)
        return result_text(result.content, result.structured_content, result.is_error)

    def stop(self) -> None:
        """Begin to end the connection; the process of the server ends with it."""
        self._stop.set()

    async def wait_stopped(self) -> None:
        """Wait until the connection has ended."""
        with suppress(Exception):
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        is_process = self.config.transport == "stdio"
        failure: ConfigError | None = None
        stderr: StderrTail | None = None
        try:
            await asyncio.to_thread(load_sdk)
            stderr = StderrTail() if is_process else None
            await self._connect(stderr)
        except Exception as error:  # noqa: BLE001 - the server's side; reported as our error
            line = stderr.last_line() if stderr is not None else ""
            verb = "could not be started" if is_process else "could not be reached"
            failure = self._failure(verb, error, line)
        finally:
            self._stop.set()
            if not self._ready.done():
                failure = failure or ConfigError(f"{self.config.label} was stopped")
                self._ready.set_exception(failure)

    async def _connect(self, stderr: StderrTail | None) -> None:
        import anyio  # noqa: PLC0415 - the SDK's
        from mcp import Client, types  # noqa: PLC0415 - an optional dependency

        transport: Any = open_transport(self._expanded, stderr, self.stop)
        us = types.Implementation(name="cellmage", version=version("cellmage"))
        with anyio.fail_after(_start_seconds()) as limit:
            async with Client(transport, client_info=us) as client:
                limit.deadline = float("inf")
                self._ready.set_result(client)
                await self._stop.wait()

    def _failure(self, verb: str, error: BaseException, line: str) -> ConfigError:
        """Return our error for one of the SDK, with what the process wrote last."""
        cause = root_cause(error)
        if isinstance(cause, ConfigError):
            return ConfigError(str(cause))
        reason = _describe(cause)
        if isinstance(cause, TimeoutError):
            reason = f"no answer within {_start_seconds():g} s"
        wrote = f"; it wrote: {self._mask(line)}" if line else ""
        return ConfigError(f"{self.config.label} {verb}: {self._mask(reason)}{wrote}")

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret.reveal(), "…")
        return truncate(clean_message(mask_error(text)), _MAX_ERROR_CHARS)


def _start_seconds() -> float:
    """Return how long a server may take to start: ``MCP_TIMEOUT`` in milliseconds, else 60 s."""
    value = os.environ.get("MCP_TIMEOUT", "")
    return int(value) / 1000 if value.isdecimal() and int(value) else _START_SECONDS


def root_cause(error: BaseException) -> BaseException:
    """Return the first error in a group of errors, which the task groups of the SDK raise.

    Example:
        >>> root_cause(ExceptionGroup("two", [ExceptionGroup("one", [ValueError("no")])]))
        ValueError('no')
    """
    while isinstance(error, BaseExceptionGroup):
        others = [e for e in error.exceptions if not isinstance(e, asyncio.CancelledError)]
        error = (others or error.exceptions)[0]
    return error


def _is_lost(error: BaseException) -> bool:
    """Return whether an error means that the connection is gone, as opposed to a failed call."""
    from mcp import MCPError  # noqa: PLC0415 - an optional dependency
    from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST  # noqa: PLC0415

    # An address that has forgotten the session answers that the request is invalid.
    return not isinstance(error, MCPError) or error.code in (CONNECTION_CLOSED, INVALID_REQUEST)


def _describe(error: BaseException) -> str:
    return str(error) or type(error).__name__
