"""Transports of the SDK for a server: its process with what it wrote, or its address."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..text import spell_out, truncate
from .config import ServerConfig

_KEPT_LINES = 20
_MAX_LINE_BYTES = 2_000

_MAX_NAME_CHARS = 100

_END_SECONDS = 1.5
"""The time that a process has to end when its connection was closed."""

_CONNECT_SECONDS = 30.0
_READ_SECONDS = 300.0
"""The time between two pieces of a reply; the call has a limit of its own."""


class StderrTail:
    """The last lines that a process wrote to its standard error, which a thread reads.

    Attributes:
        writer: the end of the pipe for the process; close it when the process has it.
    """

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self.writer = os.fdopen(writer, "w")
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._thread = threading.Thread(target=self._read, args=(reader,), daemon=True)
        self._thread.start()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, "rb") as pipe:
            while line := pipe.readline(_MAX_LINE_BYTES):
                if text := line.decode(errors="replace").strip():
                    self._lines.append(text)

    def last_line(self) -> str:
        """Return the last line; waits a moment for the end of a process that has just ended."""
        self._thread.join(0.2)
        return self._lines[-1] if self._lines else ""


@asynccontextmanager
async def open_transport(
    config: ServerConfig, stderr: StderrTail | None, on_end: Callable[[], None]
) -> AsyncGenerator[tuple[Any, Any], None]:
    """Connect to a server, and yield the streams of messages from it and to it.

    Args:
        config: the server, expanded.
        stderr: takes what a process writes to its standard error.
        on_end: called when the server has closed the connection.
    """
    async with AsyncExitStack() as stack:
        if stderr is not None:
            read, write = await stack.enter_async_context(_process(config, stderr))
        else:
            read, write = await _OPENERS[config.transport](stack, config)
        yield _WatchedStream(read, on_end), write


@asynccontextmanager
async def _process(
    config: ServerConfig, stderr: StderrTail
) -> AsyncGenerator[tuple[Any, Any], None]:
    from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415

    program, *args = _guard_command(config)
    parameters = StdioServerParameters(
        command=program,
        args=args,
        env=dict(config.env),
        cwd=config.folder,
        encoding_error_handler="replace",
    )
    try:
        async with stdio_client(parameters, errlog=stderr.writer) as streams:
            stderr.writer.close()
            yield streams
    finally:
        stderr.writer.close()


def _guard_command(config: ServerConfig) -> list[str]:
    """Return the command with what ends it with this process; the SDK does that on Windows.

    Raises:
        ConfigError: the folder or the program does not exist.
    """
    file = spell_out(config.file.name)
    if not config.folder.is_dir():
        raise ConfigError(f'{config.label}: the folder "cwd" does not exist; correct it in {file}')
    program = config.command[0]
    path = dict(config.env).get("PATH", os.environ.get("PATH"))
    if shutil.which(program, path=path) is None and not (config.folder / program).is_file():
        name = truncate(spell_out(program), _MAX_NAME_CHARS)
        raise ConfigError(
            f"{config.label}: there is no program {name!r}; install it, or correct it in {file}"
        )
    if os.name != "posix":
        return list(config.command)
    guard = str(Path(__file__).with_name("guard.py"))
    return [sys.executable, "-I", "-S", guard, f"{_END_SECONDS}", *config.command]


async def _open_http(stack: AsyncExitStack, config: ServerConfig) -> tuple[Any, Any]:
    import httpx2  # noqa: PLC0415 - the SDK's
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS)
    client = httpx2.AsyncClient(headers=dict(config.headers), timeout=timeout)
    await stack.enter_async_context(client)
    return await stack.enter_async_context(streamable_http_client(config.url, http_client=client))


async def _open_sse(stack: AsyncExitStack, config: ServerConfig) -> tuple[Any, Any]:
    from mcp.client.sse import sse_client  # noqa: PLC0415

    transport = sse_client(
        config.url, dict(config.headers), _CONNECT_SECONDS, sse_read_timeout=_READ_SECONDS
    )
    read, write = await stack.enter_async_context(transport)
    return read, write


_OPENERS = {"http": _open_http, "sse": _open_sse}


class _WatchedStream:
    """The messages of a server; it tells when there are no more."""

    def __init__(self, stream: Any, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> _WatchedStream:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._on_end()
            raise

    async def __aenter__(self) -> _WatchedStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        return await self._stream.__aexit__(*exc)
