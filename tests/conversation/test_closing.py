"""A conversation and a comparison close their streams, by ``with`` and by ``async with``."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cellmage import Comparison, Conversation, Options, ResponseStream, UsageError
from cellmage.testing import ScriptedProvider, ScriptedServer, chunk


def streams_of(chat: Conversation) -> list[ResponseStream]:
    return [chat.stream("one"), chat.stream("two", history="ignore")]


@pytest.mark.parametrize("owner", [lambda chat, streams: chat, lambda chat, streams: streams])
def test_a_with_block_closes_all_streams(
    owner: Callable[..., Any], connected: ScriptedServer
) -> None:
    chat = Conversation()
    streams = streams_of(chat)
    for _ in streams:
        connected.play(chunk("a"), end="hang")
    found = owner(chat, Comparison(streams))
    with found:
        readers = [iter(stream) for stream in streams]
        assert [next(reader) for reader in readers] == ["a", "a"]
    assert all(exchange.finished.wait(5) for exchange in connected.exchanges)
    assert [stream.response.incomplete_reason for stream in streams] == ["closed", "closed"]
    assert [list(reader) for reader in readers] == [[], []]


@pytest.mark.parametrize("owner", [lambda chat, streams: chat, lambda chat, streams: streams])
def test_an_async_with_block_closes_all_streams(
    owner: Callable[..., Any], connected: ScriptedServer
) -> None:
    chat = Conversation()
    streams = streams_of(chat)
    for _ in streams:
        connected.play(chunk("a"), end="hang")

    async def read() -> None:
        async with owner(chat, Comparison(streams)):
            readers = [aiter(stream) for stream in streams]
            assert [await anext(reader) for reader in readers] == ["a", "a"]
        assert [stream.response.incomplete_reason for stream in streams] == ["closed", "closed"]

    asyncio.run(read())
    assert all(exchange.finished.wait(5) for exchange in connected.exchanges)


def test_a_closed_conversation_can_be_asked_again() -> None:
    chat = Conversation(Options(model="offline/echo"))
    unread = chat.stream("never")
    with chat:
        chat.ask("one")
    assert list(unread) == []
    assert chat.ask("two").text == "two"


@pytest.mark.parametrize("pieces", [[], ['{"a": 1', 60.0]])
def test_a_json_view_of_a_closed_stream_ends_without_an_error(pieces: list[Any]) -> None:
    stream = Conversation(provider=ScriptedProvider(pieces)).stream("Go")
    values = []
    if pieces:
        for value in stream.partial_json():
            values.append(value)
            stream.close()
    else:
        stream.close()
    assert list(stream.partial_json()) == values == [{"a": 1}] * bool(pieces)


CLOSERS: list[Callable[[Conversation], Coroutine[Any, Any, Any]]] = [
    lambda chat: chat.aask("Go"),
    lambda chat: chat.aclose(),
    lambda chat: chat.stream("Go").aclose(),
    lambda chat: Comparison([chat.stream("Go")]).aclose(),
]


@pytest.mark.parametrize("call", CLOSERS)
def test_another_event_loop_is_refused(
    call: Callable[[Conversation], Coroutine[Any, Any, Any]],
) -> None:
    """A coroutine that no asyncio loop runs, as under trio."""
    with pytest.raises(UsageError, match="need asyncio here"):
        call(Conversation(Options(model="offline/echo"))).send(None)


@pytest.mark.parametrize("copy_function", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_stream_is_not_copied(copy_function: Callable[[Any], Any]) -> None:
    chat = Conversation(Options(model="offline/echo"))
    with pytest.raises(UsageError, match="its `response` can"):
        copy_function(chat.stream("Go"))
    response = chat.ask("Go")
    assert pickle.loads(pickle.dumps(response)) == copy.deepcopy(response) == response


def test_values_are_one_line() -> None:
    stream = Conversation(Options(model="offline/echo")).stream("Go")
    shown = [repr(value) for value in (stream, stream.events, Comparison([stream]))]
    assert shown[0] == "<ResponseStream of 'offline/echo': 0 characters, unfinished>"
    assert shown[1:] == [f"<EventView of {shown[0]}>", "<Comparison of 1 streams>"]
    assert repr(Options(model="m", stop_at="a")) == "Options(model='m', stop_at=('a',))"  # type: ignore[arg-type]
