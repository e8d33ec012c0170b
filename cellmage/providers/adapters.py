"""Adapt anything that streams: LangChain runnables and chains, async generators of text."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from ..arguments import NAME, Kind, check
from ..errors import CellmageError, ProviderError, UsageError
from ..events import Event, Start
from ..messages import Message, Request
from .base import Provider
from .chunk_events import ChunkReader
from .content_parts import encode_content
from .registry import register


class Runnable(Protocol):
    """An object that streams, such as LangChain's runnables, models and chains."""

    def astream(self, messages: Any, /) -> AsyncIterator[Any]:
        """Yield the pieces of an answer to these messages."""
        ...


Source = Runnable | Callable[[Request], AsyncIterator[Any]]
"""What can be made a provider: see `AdaptedProvider`."""


class AdaptedProvider:
    """A provider over an object that streams.

    Args:
        source: an async generator function that takes the `Request`; or an object with ``astream``
            (a LangChain runnable, model or chain), which receives the messages as ``(role, text)``
            pairs. They may yield text, events, chunks with a ``content``, or values such as dicts,
            which become JSON at the end.
        name: the name of the provider, and of its model.

    Attributes:
        name: as the argument.

    Raises:
        UsageError: the object does not stream.
    """

    def __init__(self, source: Source, name: str) -> None:
        self.name = name
        self._source = source
        self._stream_source: Callable[[Request], AsyncIterator[Any]] = check(
            "source", source, _SOURCE
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of one answer.

        Raises:
            UsageError: tools are offered to an object that cannot take them.
            ProviderError: the object raised an error, or yielded neither text nor an event.
        """
        yield Start(request.options.model or self.name, self.name)
        if request.tools and not inspect.isasyncgenfunction(self._source):
            raise UsageError(f"{self.name} cannot be offered tools here; bind them to it")
        failure: CellmageError | None = None
        reader = ChunkReader()
        async with aclosing(_closing(self._stream_source(request))) as chunks:
            try:
                async for chunk in chunks:
                    for event in reader.feed(chunk):
                        yield event
            except CellmageError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - any object may stream; raised as our error
                message = f"{self.name} failed: {type(error).__name__}: {error}"
                failure = ProviderError(message, model=self.name)
        # Raised outside the handler, not 'from None' inside it: LangChain raises ExceptionGroups,
        # and IPython does not call our one-line hook if one is anywhere in the context.
        for event in reader.close():
            yield event
        if failure is not None:
            raise failure
        for event in reader.complete():
            yield event


def register_provider(source: Source, name: str) -> Provider:
    """Make anything that streams a model, for ``%%llm --model NAME`` and for conversations.

    Args:
        source: an async generator function or a LangChain runnable: see `AdaptedProvider`.
        name: the name of the model, without a slash.

    Raises:
        UsageError: the object does not stream, or the name cannot be used.

    Example:
        >>> from cellmage import Conversation
        >>> async def shout(request):
        ...     for word in request.messages[-1].text.upper().split():
        ...         yield word + " "
        >>> provider = register_provider(shout, name="shout")
        >>> Conversation().ask("not so loud", model="shout").text
        'NOT SO LOUD '
    """
    provider = AdaptedProvider(source, check("name", name, NAME))
    register(name, provider)
    return provider


def _convert_source(source: Any) -> Callable[[Request], AsyncIterator[Any]]:
    if inspect.isasyncgenfunction(source):
        return source  # type: ignore[no-any-return]
    if callable(getattr(source, "astream", None)):
        return lambda request: source.astream(list(map(_langchain_message, request.messages)))
    raise ValueError


_SOURCE = Kind(
    "an object with astream, or an async generator function that takes the request",
    _convert_source,
)


def _langchain_message(message: Message) -> Any:
    """Return a message as LangChain takes it: a pair, or OpenAI's form for tool calls."""
    if message.tool_call_id:
        return {
            "role": message.role,
            "content": message.text,
            "tool_call_id": message.tool_call_id,
        }
    if not message.tool_calls:
        return (message.role, encode_content(message.content, "chat"))
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": message.role, "content": message.text, "tool_calls": calls}


async def _closing(chunks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """Yield the chunks, and close their source at the end; not every iterator can be closed."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if close := getattr(chunks, "aclose", None):
            await close()
