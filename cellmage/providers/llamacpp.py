"""A local weights file, served by llama.cpp inside this process."""

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

_servers: dict[Path, Any] = {}
_lock = threading.Lock()


class LocalProvider:
    """Answers with the weights in a GGUF file; they are loaded at the first request.

    The server listens on a free port of this machine alone, and ends with this process.

    Args:
        path: the file.

    Example:
        >>> LocalProvider(Path("models/tiny.gguf")).name
        'llamacpp'
    """

    name = "llamacpp"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer."""
        yield Start(request.options.model or "", self.name)
        address = await asyncio.to_thread(_address, self._path)
        server = OpenAIProvider(Endpoint(f"{address}/v1"))
        async with aclosing(server.stream(request)) as events:
            async for event in events:
                if not isinstance(event, Start):
                    yield event


def weights(path: str) -> Path:
    """The file of weights at a path, which may begin with ``~``.

    Raises:
        ConfigError: there is no such file.
    """
    found = Path(path).expanduser().resolve()
    if not found.is_file():
        raise ConfigError(f"there is no weights file {path}; name it as gguf/PATH")
    return found


def _address(path: Path) -> str:
    """Where the file is served; the server is started when there is none."""
    with _lock:
        if path not in _servers:
            _servers[path] = _start(path)
        return str(_servers[path].listening_address)


def _start(path: Path) -> Any:
    try:
        import xllamacpp  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError("a weights file needs llama.cpp: pip install 'cellmage[local]'") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.verbosity = -1  # it would write into the cell
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        message = f"{path.name} cannot be loaded: {error}"
    raise ConfigError(message)
