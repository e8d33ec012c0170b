"""The body of a message of the Messages API to events, as Anthropic and others send it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cellmage.errors import CellmageError, IncompleteResponseError, ProtocolError, ProviderError
from cellmage.events import (
    Complete,
    Document,
    Event,
    Notice,
    ProviderState,
    Reasoning,
    Status,
    Token,
    ToolCall,
)
from cellmage.messages import Usage
from cellmage.providers.messages_api.decoder import MessagesDecoder
from cellmage.testing import chunk as chat_chunk
from cellmage.testing import sse
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

COUNTS = Usage(9, 5, 4, None, 3)
STOP, CALLS = Complete("stop", COUNTS), Complete("tool_calls", COUNTS)
SEARCHING, PREPARING = Status("Searching the web…"), Status("Preparing add…")
ADD = ToolCall("toolu_1", "add", '{"x": 1}')
HELLO = [Token("Hel"), Token("lo"), STOP]
HELLO_STREAM = stream_of(message(text("Hello")))
CALL_STREAM = stream_of(message(call("add", {"x": 1})), size=99)
PAGE = ("https://a.org/b", "A")


def state(item: Item, **fields: Any) -> ProviderState:
    return ProviderState("messages", json.dumps(item | fields))


def without(stream: bytes, word: str) -> bytes:
    """Return a stream without the events that contain a word."""
    return b"\n\n".join(part for part in stream.split(b"\n\n") if word.encode() not in part)


STREAMS: dict[str, tuple[bytes, list[Event]]] = {
    "plain": (HELLO_STREAM, HELLO),
    "what follows the end": (HELLO_STREAM + HELLO_STREAM + b"data: {broken\n\n", HELLO),
    "an error after the end": (HELLO_STREAM + sse({"error": {"message": "late"}}), HELLO),
    "no event lines": (HELLO_STREAM.replace(b"event: ", b": "), HELLO),
    "types in the event lines only": (HELLO_STREAM.replace(b'data: {"type"', b'data: {"x"'), HELLO),
    "no blank line at the end": (HELLO_STREAM.rstrip(), HELLO),
    "no last event": (without(HELLO_STREAM, "message_stop"), HELLO),
    "no stop reason": (
        without(HELLO_STREAM, "message_delta"),
        [*HELLO[:2], Complete(None, Usage(9, 1, 4, None, 3))],
    ),
    "an unknown event": (sse({"type": "message_news"}) + HELLO_STREAM, HELLO),
    "whole": (json.dumps(message(text("Hello"))).encode(), [Token("Hello"), STOP]),
    "whole, with a call": (
        json.dumps(message(thinking("hm"), call("add", {"x": 1}))).encode(),
        [Reasoning("hm"), PREPARING, state(thinking("hm")), ADD, CALLS],
    ),
    "thinking": (
        stream_of(message(thinking("hm"), redacted("9f="), thinking("so"), text("Hi")), 9),
        [
            *map(Reasoning, ("hm", "\n\nso")),
            Token("Hi"),
            *map(state, (thinking("hm"), redacted("9f="), thinking("so"))),
            STOP,
        ],
    ),
    "thinking that is not shown": (
        stream_of(message(thinking(""), text("Hi"))),
        [Token("Hi"), state(thinking("")), STOP],
    ),
    "thinking without a signature": (
        stream_of(message(thinking("hm", ""), text("Hi"))),
        [Reasoning("hm"), Token("Hi"), STOP],
    ),
    "a call": (CALL_STREAM, [*[PREPARING] * 3, ADD, CALLS]),
    "a call without arguments": (
        without(stream_of(message(call("add", {}))), "input_json_delta"),
        [PREPARING, ToolCall("toolu_1", "add", "{}"), CALLS],
    ),
    "thinking between a text and a call": (
        stream_of(message(text("Hi"), thinking("hm"), call("add", {"x": 1})), size=99),
        [
            *(Token("Hi"), Reasoning("hm"), *[PREPARING] * 3),
            *(state(thinking("hm"), after=1), ADD, CALLS),
        ],
    ),
    "a web search": (
        stream_of(
            message(
                text("Well."),
                search("x"),
                result(*PAGE),
                text("Yes", citation(*PAGE), citation("https://c.org", "C")),
                text(" and no"),
            ),
            size=99,
        ),
        [
            *(Token("Well."), SEARCHING, Document("A", "", PAGE[0])),
            *(Document("C", "", "https://c.org"), Token("\n\nYes"), Token(" and no"), STOP),
        ],
    ),
}
LINES = "".join(json.dumps(event) + "\n" for event in events_of(message(text("Hello")))).encode()
STREAMS["lines, and more after the end"] = (LINES + LINES, HELLO)
REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "refusal": "refusal",
    "pause_turn": "pause_turn",
    "model_context_window_exceeded": "model_context_window_exceeded",
}


@pytest.mark.parametrize("name", STREAMS)
def test_stream_complete_and_in_every_size(name: str) -> None:
    data, events = STREAMS[name]
    for size in (len(data), 1, 2, 3, 7, 64):
        assert decode([data[i : i + size] for i in range(0, len(data), size)]) == events


@pytest.mark.parametrize("word", REASONS)
def test_stop_reasons(word: str) -> None:
    events = decode([stream_of(message(text("Hi"), stop_reason=word))])
    assert events[-1] == Complete(REASONS[word], COUNTS)


def test_calls_without_tools() -> None:
    asked = Notice("tool_call", "The model asked for a tool that it was not given: add.")
    assert asked in decode([CALL_STREAM], has_tools=False)


def test_a_blank_text_is_no_part_before_the_thinking() -> None:
    events = decode([stream_of(message(text("\n"), thinking("hm"), call("add", {})))])
    assert state(thinking("hm")) in events


def test_done_at_the_last_event() -> None:
    decoder = MessagesDecoder()
    head, _, _ = HELLO_STREAM.partition(b"event: message_stop")
    list(decoder.feed(head))
    assert (decoder.done, decoder.finish_reason, decoder.has_data) == (False, "stop", True)
    list(decoder.feed(HELLO_STREAM[len(head) :]))
    assert decoder.done
    assert list(decoder.close(OSError("reset"))) == [STOP]


BEGUN = HELLO_STREAM[: HELLO_STREAM.index(b"event: content_block_stop")]


def error(type_: str, sentence: str = "It broke") -> bytes:
    return encode([{"type": "error", "error": {"type": type_, "message": sentence}}])


CUT = (IncompleteResponseError, "truncated_no_finish", "nothing was run")
FAILURES: dict[str, tuple[bytes, type[CellmageError], str, str]] = {
    "no end": (BEGUN, IncompleteResponseError, "truncated_no_finish", "without a finish reason"),
    "nothing": (b"", ProtocolError, "empty_response", "it is empty"),
    "pings only": (encode([{"type": "ping"}]), ProtocolError, "empty_response", "no answer"),
    "not JSON": (BEGUN + b"data: {broken\n\n", ProtocolError, "protocol", "not JSON"),
    "overloaded": (error("overloaded_error"), ProviderError, "provider_error", "It broke"),
    "too many requests": (
        BEGUN + error("rate_limit_error"),
        ProviderError,
        "rate_limited",
        "too many requests",
    ),
    "a refused key": (error("authentication_error"), ProviderError, "auth", "key was refused"),
    "too long": (
        error("invalid_request_error", "prompt is too long: 212 tokens > 200 maximum"),
        ProviderError,
        "context_overflow",
        "too long for the model",
    ),
    "an error as the body": (
        b'{"type": "error", "error": {"type": "api_error", "message": "It broke"}}',
        ProviderError,
        "provider_error",
        "It broke",
    ),
    "chat completions": (
        chat_chunk("Hi"),
        ProtocolError,
        "not_a_stream",
        "not the Messages API, but the protocol of chat completions",
    ),
    "a call without its end": (without(CALL_STREAM, "content_block_stop"), *CUT),
    "a call without its beginning": (without(CALL_STREAM, "content_block_start"), *CUT),
    "a call without a stop reason": (without(CALL_STREAM, "message_delta"), *CUT),
    "a call without a name": (stream_of(message(call("", {}))), *CUT),
    "a call cut by the limit": (
        stream_of(message(call("add", {}), stop_reason="max_tokens")),
        IncompleteResponseError,
        "length",
        "nothing was run",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    data, failure, kind, sentence = FAILURES[name]
    with pytest.raises(failure, match=sentence) as info:
        decode([data])
    assert info.value.kind == kind


def test_an_overload_is_asked_again() -> None:
    with pytest.raises(ProviderError) as info:
        decode([error("overloaded_error")])
    assert info.value.retries
