"""Answers as server-sent events: what the encoder writes, the decoder reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable
from typing import Any

from cellmage import Conversation, Event, sse
from cellmage.sse import EventStreamDecoder
from cellmage.testing import ScriptedServer, answer, chunk


def parse(texts: list[str]) -> list[tuple[str, Any]]:
    """Return the type and the data of each event."""
    frames = "".join(texts).split("\n\n")[:-1]
    pairs = [frame.split("\n") for frame in frames]
    decoder = EventStreamDecoder()
    data = [*decoder.feed("".join(texts).encode())]
    assert [json.loads(text) for text in data] == [json.loads(pair[1][6:]) for pair in pairs]
    return [(pair[0].removeprefix("event: "), json.loads(pair[1][6:])) for pair in pairs]


async def gather(events: AsyncIterable[Event]) -> list[str]:
    return [text async for text in sse.encode(events)]


def test_events(connected: ScriptedServer) -> None:
    connected.play(*answer("a\r\nb\u2028c\ud83d", 2))
    stream = Conversation().stream("hi")
    events = parse(asyncio.run(gather(stream.events)))
    assert (events[0][0], events[-1][0]) == ("start", "complete")
    assert "".join(data["text"] for type_, data in events if type_ == "token") == (
        stream.response.text
    )


def test_a_failure_is_the_last_event(connected: ScriptedServer) -> None:
    connected.play(chunk("so far"), end="reset")
    events = parse(asyncio.run(gather(Conversation().astream_events("hi"))))
    type_, data = events[-1]
    assert (type_, data["kind"], data["text"]) == ("error", "connection_lost", "so far")
