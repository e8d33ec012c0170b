"""Our server-sent events in a web application, over real sockets on both of its sides."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from cellmage import Conversation, Options, sse
from cellmage.testing import (
    DONE,
    Exchange,
    Reply,
    ScriptedServer,
    answer,
    chunk,
    finish,
    tool_call,
    usage,
)


async def without_tools(request: Request) -> StreamingResponse:
    stream = Conversation(Options(model="m")).stream(request.query_params["q"])
    return StreamingResponse(sse.encode(stream.events), media_type=sse.MEDIA_TYPE)


def weather(city: str) -> str:
    return f"rain in\n{city}"


async def with_tools(request: Request) -> StreamingResponse:
    chat = Conversation(Options(model="m"))
    events = chat.astream_events(request.query_params["q"], tools=[weather], approve="always")
    return StreamingResponse(sse.encode(events), media_type=sse.MEDIA_TYPE)


@contextmanager
def serve(application: Starlette) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def address(connected: ScriptedServer) -> Iterator[str]:
    with serve(Starlette(routes=[Route("/", without_tools), Route("/tools", with_tools)])) as url:
        yield url


@dataclass
class ServerSentEvent:
    """An event as a browser dispatches it (WHATWG, HTML, section 9.2)."""

    type: str
    data: Any


def parse_events(lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """Yield the events that a browser's ``EventSource`` dispatches for the lines."""
    type_, data = "message", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            type_ = value.removeprefix(" ")
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield ServerSentEvent(type_, json.loads("\n".join(data)))
            type_, data = "message", []


@contextmanager
def open_events(url: str, question: str = "hi") -> Iterator[Iterator[ServerSentEvent]]:
    with httpx2.Client(timeout=20) as client:  # noqa: SIM117 - the client is the connection
        with client.stream("GET", url, params={"q": question}) as reply:
            assert reply.status_code == 200
            assert reply.headers["content-type"].partition(";")[0] == sse.MEDIA_TYPE
            yield parse_events(reply.iter_lines())


def read(url: str, question: str = "hi") -> list[ServerSentEvent]:
    with open_events(url, question) as events:
        return list(events)


def joined_text(events: Iterable[ServerSentEvent]) -> str:
    return "".join(event.data["text"] for event in events if event.type == "token")


def test_events_in_order(address: str, connected: ScriptedServer) -> None:
    text = "One\ntwo\r\n\ndata: three \u2028 \u0085 \U0001f600\n\n"
    connected.play(chunk(reasoning_content="Hm."), *answer(text, 3)[:-1], usage(3, 4), DONE)
    events = read(address)
    tokens = -(-len(text) // 3)
    types = ["start", "reasoning", *["token"] * tokens, "complete"]
    assert [event.type for event in events] == types
    assert joined_text(events) == text
    assert events[0].data["model"] == "m"
    assert events[-1].data == {
        "finish_reason": "stop",
        "usage": {
            **{"input_tokens": 3, "output_tokens": 4, "cached_tokens": None},
            **{"reasoning_tokens": None, "cache_write_tokens": None},
        },
    }


def test_tools(address: str, connected: ScriptedServer) -> None:
    first = Reply([tool_call("weather", '{"city": "Oslo"}'), finish("tool_calls"), DONE])
    connected.play_each([first, Reply(answer("Rain."))])
    events = [event for event in read(f"{address}/tools") if event.type != "status"]
    assert [event.type for event in events] == [
        "start", "tool_call", "tool_result", "token", "complete",
    ]  # fmt: skip
    assert events[1].data == {"id": "call0", "name": "weather", "arguments": '{"city": "Oslo"}'}
    assert events[2].data == {"id": "call0", "name": "weather", "content": "rain in\nOslo"}


def test_an_error_is_the_last_event(address: str, connected: ScriptedServer) -> None:
    connected.play(chunk("so "), chunk("far"), end="reset")
    *events, last = read(address)
    assert [event.type for event in events] == ["start", "token", "token"]
    assert last.type == "error"
    assert last.data["text"] == "so far"
    assert last.data["kind"]
    assert "\n" not in last.data["message"]


def test_an_error_before_the_first_token(address: str, connected: ScriptedServer) -> None:
    connected.play(status=401, content_type="application/json")
    events = read(address)
    assert [event.type for event in events] == ["start", "error"]
    assert (events[-1].data["kind"], events[-1].data["text"]) == ("auth", "")


def test_each_event_is_sent_at_once(address: str, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    with open_events(address) as events:
        assert [next(events).type, joined_text([next(events)])] == ["start", "first"]
        assert not connected.last.finished.is_set()


@pytest.mark.parametrize("words", [0, 1, 5])
def test_leaving_closes_the_connection_to_the_provider(
    address: str, connected: ScriptedServer, words: int
) -> None:
    connected.play(*[chunk("word ")] * words, end="hang")
    with open_events(address) as events:
        assert joined_text(next(events) for _ in range(1 + words)) == "word " * words
        while not connected.exchanges:  # `Start` is sent before the request
            time.sleep(0.01)
        assert not connected.last.finished.is_set()
        left_at = time.monotonic()
    assert connected.last.finished.wait(5)
    assert connected.last.closed_at is not None
    assert connected.last.closed_at >= left_at


def test_two_streams_are_independent(address: str, connected: ScriptedServer) -> None:
    """They are read in turns; one is left in its middle, and the other is read to its end."""
    may_continue = threading.Event()

    def remaining() -> Iterator[bytes]:
        may_continue.wait(10)
        yield from answer("b3 b4", 3)  # type: ignore[misc]

    def reply(exchange: Exchange) -> Reply:
        if exchange.messages[-1][1] == "a":
            return Reply([chunk("a1 "), chunk("a2 ")], end="hang")
        return Reply(chain([chunk("b1 "), chunk("b2 ")], remaining()))

    connected.play_with(reply)
    with open_events(address, "b") as second:
        with open_events(address, "a") as first:
            turns = [next(events).data for _ in range(3) for events in (first, second)]
            assert [turn["text"] for turn in turns[2:]] == ["a1 ", "b1 ", "a2 ", "b2 "]
        by_question = {exchange.messages[-1][1]: exchange for exchange in connected.exchanges}
        assert by_question["a"].finished.wait(5)
        assert not by_question["b"].finished.is_set()
        may_continue.set()
        last = list(second)
    assert joined_text(last) == "b3 b4"
    assert last[-1].type == "complete"
