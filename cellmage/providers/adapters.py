"""Anything that streams is a model: LangChain runnables, chains, async generators of text."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from ..errors import CellmageError, ProviderError, UsageError
from ..events import Complete, Event, Reasoning, Start, Token
from ..messages import Message, Request
from .base import Provider
from .registry import register

_EVENTS = tuple(Event.__args__)


class AdaptedProvider:
    """A provider over an object that streams.

    Args:
        source: an object with ``astream`` (a LangChain runnable, model or chain), which is given
            the messages as ``(role, text)`` pairs; or an async generator function, which is given
            the `Request`. What they give may be text, events, or chunks that have a ``content``.
        name: the name of the provider, and of its model.
    """

    def __init__(self, source: Any, name: str) -> None:
        self.name = name
        self._source = source
        self._open: Callable[[Request], AsyncIterator[Any]] = _opener(source)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer."""
        yield Start(request.options.model or self.name, self.name)
        if request.tools and not inspect.isasyncgenfunction(self._source):
            raise UsageError(f"{self.name} cannot be offered tools here; bind them to it")
        failure: ProviderError | None = None
        last: Event | None = None
        async with aclosing(_closable(self._open(request))) as pieces:
            try:
                async for piece in pieces:
                    for last in _events(piece):
                        yield last
            except CellmageError:
                raise
            except Exception as error:  # noqa: BLE001 - anything may stream; told as our error
                what = f"{type(error).__name__}: {error}"
                failure = ProviderError(f"{self.name} failed: {what}", model=self.name)
        if failure is not None:
            raise failure
        if not isinstance(last, Complete):
            yield Complete("stop")


def register_provider(source: Any, name: str) -> Provider:
    """Make anything that streams a model, for ``%%llm --model NAME`` and for conversations.

    Args:
        source: see `AdaptedProvider`.
        name: what it is called, without a slash.

    Raises:
        UsageError: the object does not stream, or the name cannot be one.

    Example:
        >>> from cellmage import Conversation
        >>> async def shout(request):
        ...     for word in request.messages[-1].content.upper().split():
        ...         yield word + " "
        >>> made = register_provider(shout, name="shout")
        >>> Conversation().ask("not so loud", model="shout").text
        'NOT SO LOUD '
    """
    made = AdaptedProvider(source, name)
    register(name, made)
    return made


def _opener(source: Any) -> Callable[[Request], AsyncIterator[Any]]:
    if inspect.isasyncgenfunction(source):
        return source  # type: ignore[no-any-return]
    if callable(getattr(source, "astream", None)):
        return lambda request: source.astream(list(map(_plain, request.messages)))
    raise UsageError(
        f"{source!r:.60} does not stream: give an object with astream, or an async generator "
        "function that takes the request"
    )


def _plain(message: Message) -> Any:
    """A message as LangChain takes it: a pair, and OpenAI's form where tools come in."""
    if not (message.tool_calls or message.tool_call_id):
        return (message.role, message.content)
    calls = [
        {"id": call.id, "type": "function",
         "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.tool_calls
    ]  # fmt: skip
    more = {"tool_calls": calls} if calls else {"tool_call_id": message.tool_call_id}
    return {"role": message.role, "content": message.content} | more


async def _closable(pieces: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """The same, and closed with it where it can be."""
    try:
        async for piece in pieces:
            yield piece
    finally:
        if close := getattr(pieces, "aclose", None):
            await close()


def _events(piece: Any) -> list[Event]:
    """The events of one piece: text, an event, or a chunk of a message as LangChain makes them."""
    if isinstance(piece, _EVENTS):
        return [cast(Event, piece)]
    content = piece if isinstance(piece, str) else getattr(piece, "content", None)
    if isinstance(content, str):
        return [Token(content)] if content else []
    if isinstance(content, list):
        return [event for part in content for event in _part(part)]
    raise ProviderError(f"a piece is neither text nor an event: {piece!r:.60}")


def _part(part: Any) -> list[Event]:
    """A block of a LangChain message."""
    if isinstance(part, str):
        return [Token(part)] if part else []
    text, thought = part.get("text"), part.get("reasoning")
    if part.get("type") == "text" and isinstance(text, str) and text:
        return [Token(text)]
    if part.get("type") == "reasoning" and isinstance(thought, str) and thought:
        return [Reasoning(thought)]
    return []
