"""Any message of the Messages API: cut anywhere, damaged, or of another shape."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import CellmageError
from cellmage.events import (
    Event,
    Reasoning,
    Token,
    ToolCall,
)
from cellmage.providers.messages_api.decoder import MessagesDecoder
from tests.providers.messages_streams import (
    Item,
    call,
    citation,
    decode,
    encode,
    events_of,
    message,
    redacted,
    result,
    search,
    stream_of,
    text,
    thinking,
)
from tests.test_sse import cut

PAGE = ("https://a.org/b", "A")
TEXTS = st.text(st.characters(exclude_characters="<"), max_size=9).map(str.strip).filter(bool)
BLOCKS = st.one_of(
    TEXTS.map(text),
    TEXTS.map(thinking),
    TEXTS.map(redacted),
    TEXTS.map(search),
    st.just(result(*PAGE)),
    st.just(text("Yes", citation(*PAGE))),
    st.builds(call, st.sampled_from(["add", "find"]), st.dictionaries(TEXTS, TEXTS, max_size=2)),
)
MESSAGES = st.lists(BLOCKS, max_size=5).map(lambda blocks: message(*blocks))
OFFSETS = st.lists(st.integers(0, 100_000), max_size=20)


@given(MESSAGES, st.integers(1, 9), OFFSETS)
def test_any_cut_gives_the_same_events(final: Item, size: int, offsets: list[int]) -> None:
    data = stream_of(final, size)
    assert decode(cut(data, offsets)) == decode([data])


def calls_of(data: bytes) -> list[ToolCall]:
    """Return the calls of a body that may be broken."""
    events: list[Event] = []
    decoder = MessagesDecoder(has_tools=True)
    with suppress(CellmageError):
        events.extend(decoder.feed(data))
        events.extend(decoder.close())
    return [event for event in events if isinstance(event, ToolCall)]


@given(MESSAGES, st.data())
def test_a_truncated_stream_gives_no_calls(final: Item, data: st.DataObject) -> None:
    stream = stream_of(message(*final["content"], call("add", {"x": 1})))
    end = data.draw(st.integers(0, stream.index(b'"stop_reason": "tool_use"')))
    assert calls_of(stream[:end]) == []


@given(st.integers(1, 9), st.data())
def test_a_stream_without_an_event_gives_no_other_call(size: int, data: st.DataObject) -> None:
    """A piece of the arguments apart: arguments that are no JSON are refused when they are read."""
    events = events_of(message(call("add", {"x": 1, "text": "abc"})), size)
    whole = calls_of(encode(events))
    lost = events.pop(data.draw(st.integers(0, len(events) - 1)))
    if lost["type"] != "content_block_delta":
        assert calls_of(encode(events)) in ([], whole)


NAMES = st.sampled_from(
    ["type", "text", "thinking", "signature", "input", "name", "id", "content", "delta", "usage"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["message", *{event["type"] for event in events_of(message(text("Hi")))}])
DELTAS = st.sampled_from(["text_delta", "thinking_delta", "signature_delta", "input_json_delta"])
KINDS = st.sampled_from(["text", "thinking", "tool_use", "server_tool_use"])
INNER = st.builds(
    lambda fields, type_: {**fields, "type": type_},
    st.dictionaries(NAMES, JSON, max_size=4),
    DELTAS | KINDS,
)
ODD = st.builds(
    lambda type_, fields, inner, name: {**fields, "type": type_, name: inner},
    TYPES,
    st.dictionaries(NAMES, JSON, max_size=3),
    INNER | INNER.map(lambda block: [block]),
    st.sampled_from(["delta", "content_block", "message", "content"]),
)


@given(st.lists(ODD, max_size=4))
def test_objects_of_any_shape_raise_nothing_but_our_errors(events: list[Item]) -> None:
    stream = encode(events)
    with suppress(CellmageError):
        for event in decode([stream]):
            if isinstance(event, Token | Reasoning):
                assert isinstance(event.text, str)
