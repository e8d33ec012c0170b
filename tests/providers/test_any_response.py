"""Any response of the Responses API: cut, damaged, as one body; and objects that are none."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from cellmage.errors import CellmageError
from cellmage.events import Complete, Event, Reasoning, Status, Token, ToolCall
from cellmage.testing import DONE
from tests.providers.responses_streams import (
    Item,
    call,
    citation,
    decode,
    encode,
    events_of,
    message,
    reasoning,
    refusal,
    response,
    search,
    stream_of,
    text_part,
)
from tests.test_sse import cut

TEXTS = st.text(st.characters(exclude_characters="<"), max_size=9).map(str.strip).filter(bool)
ARGUMENTS = st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2)
CALLS = st.builds(call, st.sampled_from(["add", "look_up"]), ARGUMENTS)
ITEMS = st.one_of(
    CALLS,
    TEXTS.map(message),
    TEXTS.map(refusal),
    st.lists(TEXTS, max_size=2).map(lambda texts: reasoning(*texts, encrypted_content="abc=")),
    TEXTS.map(search),
    TEXTS.map(lambda text: message(text_part(text, citation("https://a.org", "A")))),
)
RESPONSES = st.lists(ITEMS, max_size=5).map(lambda items: response(*items))
WITH_CALLS = st.builds(
    lambda before, request, after: response(*before, request, *after),
    st.lists(ITEMS, max_size=2),
    CALLS,
    st.lists(ITEMS, max_size=2),
)
OFFSETS = st.lists(st.integers(0, 100_000), max_size=20)


@given(RESPONSES, st.integers(1, 9))
def test_events_are_those_of_the_api(final: Item, size: int) -> None:
    """The other tests are worth something only if OpenAI sends such events."""
    for event in events_of(final, size):
        STREAM_EVENT.validate_python(event)


STREAM_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@given(RESPONSES, st.integers(1, 9), OFFSETS, st.booleans())
def test_cut_at_any_byte(final: Item, size: int, offsets: list[int], ascii_only: bool) -> None:
    data = encode(events_of(final, size), ascii_only)
    assert decode(cut(data, offsets)) == decode([data])


@given(RESPONSES, st.integers(1, 9))
def test_a_stream_and_a_body_are_the_same_answer(final: Item, size: int) -> None:
    body = json.dumps(final).encode()
    assert joined(decode([stream_of(final, size=size)])) == joined(decode([body]))


def joined(events: list[Event]) -> list[str]:
    """Return the events without statuses, and with each text in one piece."""
    texts = [
        "".join(event.text for event in events if isinstance(event, kind))
        for kind in (Token, Reasoning)
    ]
    others = [event for event in events if not isinstance(event, Token | Reasoning | Status)]
    return [*texts, *sorted(map(repr, others))]


@given(WITH_CALLS, st.integers(0, 100_000))
def test_a_truncated_stream_calls_no_tool(final: Item, offset: int) -> None:
    data = stream_of(final)
    end = data.rindex(b"data: ") + len(b"data: ")
    assert calls_of(data)
    assert not calls_of(data[: offset % end])
    assert not calls_of(data[: len(data) - 3 - offset % (len(data) - end - 1)])


@given(WITH_CALLS, st.integers(0, 100_000), st.integers(0, 300), st.binary(max_size=3))
def test_a_damaged_stream_calls_no_other_tool(
    final: Item, offset: int, length: int, garbage: bytes
) -> None:
    data = stream_of(final)
    start = offset % len(data)
    calls = calls_of(data[:start] + garbage + data[start + length :])
    assert all(call in calls_of(data) for call in calls)


def calls_of(data: bytes) -> list[tuple[str, Any]]:
    """Return the calls that a consumer of the body would run."""
    events: list[Event] = []
    with suppress(CellmageError):
        events = decode([data])
    calls = [event for event in events if isinstance(event, ToolCall)]
    return [(call.name, json.loads(call.arguments)) for call in calls]


FIELDS = st.sampled_from(
    [
        *("response", "output", "output_index", "item", "type", "status", "error", "reason"),
        *("delta", "content", "text", "refusal", "annotations", "annotation", "summary"),
        *("encrypted_content", "phase", "name", "call_id", "arguments", "usage"),
        "incomplete_details",
    ]
)
ONE_OF_EACH = reasoning("a"), message("b"), refusal("c"), call("d", {}), search("e")
EVENT_TYPES = st.sampled_from(
    [
        *dict.fromkeys(event["type"] for event in events_of(response(*ONE_OF_EACH))),
        *("response.incomplete", "response.failed", "response.cancelled", "error"),
    ]
)
ITEM_TYPES = st.sampled_from(["message", "reasoning", "function_call", "web_search_call"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | ITEM_TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.builds(
    lambda fields, type_: {**fields, "type": type_},
    st.dictionaries(FIELDS, JSON, max_size=5),
    EVENT_TYPES,
)


@given(st.lists(OBJECTS, max_size=5), st.sampled_from([b"", DONE]))
def test_any_objects_are_an_answer_or_one_of_our_errors(objects: list[Item], end: bytes) -> None:
    with suppress(CellmageError):
        assert isinstance(decode([encode(objects) + end])[-1], Complete)
