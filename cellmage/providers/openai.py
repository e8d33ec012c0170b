"""Servers that speak OpenAI's chat completions.

What makes the requests is in `chat_client`, which a thread imports at the first of them: that and
the SDK take half a second, and no event loop may wait so long.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import CellmageError
from ..events import Event, Start
from ..messages import Request
from .endpoints import Endpoint
from .keys import Key, check_key
from .masking import refuse_keys

if TYPE_CHECKING:
    from .chat_client import ChatClient


class OpenAIProvider:
    """A provider behind one `Endpoint`.

    Args:
        endpoint: the base URL, and what its server supports.
        api_key: the key for that server; a placeholder is sent when it is None.
        find_key: returns the key, if it needs a search that takes long; called by a thread before
            the first request.

    Attributes:
        endpoint: as the argument.
        name: the host and port of the server.

    Raises:
        ConfigError: the key has a character that no key has.

    Example:
        >>> OpenAIProvider(Endpoint("http://localhost:8000/v1")).name
        'localhost:8000'
    """

    # `sys.modules` also has a module that another thread is still importing.
    _is_imported = False

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: Key | None = None,
        find_key: Callable[[], Key | None] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.name = urlsplit(endpoint.base_url).netloc
        if api_key is not None:
            check_key(api_key, self.name)
        self._api_key = api_key
        self._find_key = find_key

    @property
    def api_key(self) -> Key | None:
        """The key for the server, which shows its end only; None if there is none."""
        if self._find_key is not None:
            self._api_key = self._find_key()
            self._find_key = None
            if self._api_key is not None:
                check_key(self._api_key, self.name)
        return self._api_key

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of one answer; no request is repeated, and no redirect is followed.

        Args:
            request: the messages and the options.

        Raises:
            ProviderError: the server cannot be reached, or its reply is not a complete answer.
            ConfigError: the address or the key cannot be used.
            UsageError: the request contains the key, which the keyring has just returned.
        """
        yield Start(request.options.model or "", self.name)
        is_key_unknown = self._find_key is not None
        client = await self.client()
        if is_key_unknown and self._api_key is not None:  # the policy did not know it
            texts = (message.text for message in request.messages)
            refuse_keys(texts, {self.name: self._api_key})
        async with aclosing(client.stream(request)) as events:
            async for event in events:
                yield event

    async def models(self) -> list[str]:
        """Return the names of the models that the server offers, sorted.

        Raises:
            CellmageError: the server cannot be reached, or returned no list.
        """
        client = await self.client()
        return await client.models()

    async def advise(self, error: CellmageError) -> None:
        """Add to an error that a server knows no such model or address what to type instead."""
        client = await self.client()
        await client.advise(error)

    async def client(self) -> ChatClient:
        """Return what makes the requests, with the key."""
        module = f"{__package__}.chat_client"
        if self._find_key is not None or not OpenAIProvider._is_imported:
            await asyncio.to_thread(self._prepare, module)
        client: ChatClient = sys.modules[module].ChatClient(self.endpoint, self.api_key)
        return client

    def _prepare(self, module: str) -> None:
        """Do what takes long, on a thread: the imports, and the search for the key."""
        importlib.import_module(module)
        OpenAIProvider._is_imported = True
        _ = self.api_key
