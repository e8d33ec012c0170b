"""Run a GGUF file with llama.cpp inside this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..events import Event, Start
from ..messages import Request
from .endpoints import Endpoint
from .openai import OpenAIProvider

# One server for each file, shared by all providers of this process.
_servers: dict[Path, Any] = {}
_lock = threading.Lock()


class LlamaCppProvider:
    """Answers with the weights in a GGUF file, which are loaded at the first request.

    The server listens on a free port of this machine alone, and ends with this process.

    Args:
        path: the file.

    Example:
        >>> LlamaCppProvider(Path("models/tiny.gguf")).name
        'llamacpp'
    """

    name = "llamacpp"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of one answer.

        Raises:
            ConfigError: llama.cpp is not installed, or the file cannot be loaded.
        """
        yield Start(request.options.model or "", self.name)
        address = await asyncio.to_thread(_server_address, self._path)
        provider = OpenAIProvider(Endpoint(f"{address}/v1"))
        async with aclosing(provider.stream(request)) as events:
            async for event in events:
                if not isinstance(event, Start):
                    yield event


def find_weights(path: str) -> Path:
    """Return the absolute path of a GGUF file; the path may begin with ``~``.

    Raises:
        ConfigError: the file does not exist.
    """
    resolved = Path(path).expanduser().resolve()
    if not resolved.is_file():
        raise ConfigError(f"there is no weights file {path}; name it as gguf/PATH")
    return resolved


def _server_address(path: Path) -> str:
    """Return the address where the file is served; the first call starts the server."""
    with _lock:
        if path not in _servers:
            _servers[path] = _start_server(path)
        return str(_servers[path].listening_address)


def _start_server(path: Path) -> Any:
    try:
        import xllamacpp  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise ConfigError("a weights file needs llama.cpp: pip install 'cellmage[local]'") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.port = 0
    if hasattr(params, "hostnames"):  # since 2026.10
        params.hostnames = ["127.0.0.1"]
    else:
        params.hostname = "127.0.0.1"
    params.verbosity = -1  # llama.cpp would write its log into the cell
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ConfigError(f"{path.name} cannot be loaded: {error}") from None
