"""The body of a response of the Responses API to events, as OpenAI and others send it."""

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
from cellmage.providers.responses.decoder import ResponsesDecoder
from cellmage.testing import DONE, finish, sse
from cellmage.testing import chunk as chat_chunk
from tests.providers.responses_streams import (
    Item,
    call,
    citation,
    decode,
    encode,
    message,
    reasoning,
    refusal,
    response,
    search,
    stream_of,
    text_part,
)

COUNTS = Usage(9, 5, 4, 2, 0)
STOP, CALLS = Complete("stop", COUNTS), Complete("tool_calls", COUNTS)
SEARCHING, PREPARING = Status("Searching the web…"), Status("Preparing add…")
DECLINED = Notice("refusal", "The model declined to answer.")
ADD = ToolCall("call_1", "add", '{"x": 1}')
HELLO = [Token("Hel"), Token("lo"), STOP]
ENCRYPTED = reasoning(encrypted_content="abc")


def state(item: Item, **fields: Any) -> ProviderState:
    return ProviderState("responses", json.dumps(item | fields))


def without(stream: bytes, word: str) -> bytes:
    """Return a stream without the events that contain a word."""
    return b"\n\n".join(part for part in stream.split(b"\n\n") if word.encode() not in part)


def incomplete(reason: str, *output: Item) -> bytes:
    return stream_of(response(*output, status="incomplete", incomplete_details={"reason": reason}))


HELLO_STREAM = stream_of(response(message("Hello")))
TWO_CALLS = stream_of(
    response(call("add", {"x": 1}), call("add", {}, "call_2", id="fc_2")), size=99
)
END = encode([{"type": "response.completed", "response": response()}])
STREAMS: dict[str, tuple[bytes, list[Event]]] = {
    "plain": (HELLO_STREAM, HELLO),
    "an end mark": (HELLO_STREAM + DONE, HELLO),
    "what follows the end": (HELLO_STREAM + HELLO_STREAM + b"data: {broken\n\n", HELLO),
    "no event lines": (HELLO_STREAM.replace(b"event: ", b": "), HELLO),
    "types in the event lines only": (HELLO_STREAM.replace(b'data: {"type"', b'data: {"x"'), HELLO),
    "no blank line at the end": (HELLO_STREAM.rstrip(), HELLO),
    "heartbeats": (
        b'data: {"type": "keepalive"}\n\n: ping\n\nevent: ping\ndata: {}\n\n' + HELLO_STREAM,
        HELLO,
    ),
    "no deltas": (without(HELLO_STREAM, "text.delta"), [Token("Hello"), STOP]),
    "the last delta is missing": (without(HELLO_STREAM, '"delta": "lo"'), HELLO),
    "no items in the response": (without(HELLO_STREAM, "completed") + END, HELLO),
    "an end mark alone": (
        without(HELLO_STREAM, "response.completed") + b"\n\n" + DONE,
        [*HELLO[:2], Complete(None)],
    ),
    "a body without a status": (
        b'{"object": "response", "output": [{"type": "message", "content": [{"text": "Hi"}]}]}',
        [Token("Hi"), Complete("stop")],
    ),
    "summaries": (
        stream_of(response(reasoning("Hm.", "So"), reasoning("Ah"), message("Hi"))),
        [*map(Reasoning, ("Hm.", "\n\nSo", "\n\nAh")), Token("Hi"), STOP],
    ),
    "a text of reasoning": (
        stream_of(response(reasoning(content=[{"type": "reasoning_text", "text": "hm"}]))),
        [Reasoning("hm"), STOP],
    ),
    "two messages": (
        stream_of(response(message("One"), message("Two"))),
        [Token("One"), Token("\n\nTwo"), STOP],
    ),
    "a refusal": (stream_of(response(refusal("No."))), [Token("No."), DECLINED, STOP]),
    "cut at the limit": (
        incomplete("max_output_tokens", message("Hel", status="incomplete")),
        [Token("Hel"), Complete("length", COUNTS)],
    ),
    "cut by the filter": (
        incomplete("content_filter", message("Hel")),
        [Token("Hel"), Complete("content_filter", COUNTS)],
    ),
    "a call": (
        stream_of(response(call("add", {"x": 1})), size=99),
        [PREPARING, PREPARING, ADD, CALLS],
    ),
    "calls without an index that the response does not repeat": (
        without(TWO_CALLS, "response.completed").replace(b'"output_index"', b'"x"') + END,
        [PREPARING] * 4 + [ADD, ToolCall("call_2", "add", "{}"), CALLS],
    ),
    "a web search": (
        stream_of(
            response(search("x"), message(text_part("Yes", citation("https://a.org/b", "A"))))
        ),
        [SEARCHING] * 3 + [Token("Yes"), Document("A", "", "https://a.org/b"), STOP],
    ),
    "encrypted reasoning": (
        stream_of(response(ENCRYPTED, message("Hi"))),
        [Token("Hi"), state(ENCRYPTED), STOP],
    ),
    "reasoning between a text and a call": (
        stream_of(response(message("Hi"), ENCRYPTED, call("add", {"x": 1})), size=99),
        [Token("Hi"), PREPARING, PREPARING, state(ENCRYPTED, after=1), ADD, CALLS],
    ),
    "reasoning that nothing follows": (
        incomplete("max_output_tokens", message("Hi"), ENCRYPTED),
        [Token("Hi"), Complete("length", COUNTS)],
    ),
    "the final ciphertext counts": (
        stream_of(
            response(ENCRYPTED, message("Hi")),
            items=[reasoning(encrypted_content="early"), message("Hi")],
        ),
        [Token("Hi"), state(ENCRYPTED), STOP],
    ),
    "the response has no ciphertext": (
        stream_of(response(reasoning(), message("Hi")), items=[ENCRYPTED, message("Hi")]),
        [Token("Hi"), state(ENCRYPTED), STOP],
    ),
    "the kind of a text": (
        stream_of(response(message("Hi", phase="commentary"))),
        [Token("Hi"), state({"type": "message", "phase": "commentary"}), STOP],
    ),
    "think tags": (
        stream_of(response(message("<think>hm</think>Hi"))),
        [Reasoning("hm"), Token("H"), Token("i"), STOP],
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_stream_complete_and_in_every_size(name: str) -> None:
    data, events = STREAMS[name]
    for size in (len(data), 1, 2, 3, 7, 64):
        assert decode([data[i : i + size] for i in range(0, len(data), size)]) == events


def test_calls_without_tools() -> None:
    asked = Notice("tool_call", "The model asked for a tool that it was not given: add.")
    assert asked in decode([STREAMS["a call"][0]], has_tools=False)


def test_done_at_the_last_event() -> None:
    decoder = ResponsesDecoder()
    head, _, _ = HELLO_STREAM.partition(b"event: response.completed")
    list(decoder.feed(head))
    assert (decoder.done, decoder.finish_reason, decoder.has_data) == (False, None, True)
    list(decoder.feed(HELLO_STREAM[len(head) :]))
    assert (decoder.done, decoder.finish_reason) == (True, "stop")
    assert list(decoder.close(OSError("reset"))) == HELLO[2:]


ERROR = {"code": "server_error", "message": "it broke"}
FAILED = response(status="failed", error=ERROR)
CUT_CALL = call("add", '{"x"', status="incomplete")
CALL_STREAM = STREAMS["a call"][0]
BEGUN = HELLO_STREAM[: HELLO_STREAM.index(b"event: response.output_text.done")]
FAILURES: dict[str, tuple[bytes, type[CellmageError], str, str]] = {
    "no end": (BEGUN, IncompleteResponseError, "truncated_no_finish", "without a finish reason"),
    "nothing": (b"", ProtocolError, "empty_response", "it is empty"),
    "a web page": (b"<!DOCTYPE html>", ProtocolError, "empty_response", "no answer of a model"),
    "not JSON": (BEGUN + b"data: {broken\n\n", ProtocolError, "protocol", "not JSON"),
    "a wrong type": (
        sse({"type": "response.output_text.delta", "delta": {"a": 1}}),
        ProtocolError,
        "protocol",
        "cannot be read",
    ),
    "a wrong type in an item": (
        encode([{"type": "response.output_item.done", "item": {**call("add", {}), "name": 5}}])
        + DONE,
        ProtocolError,
        "protocol",
        "cannot be read",
    ),
    "failed, whole, without a status": (
        json.dumps({"object": "response", "error": ERROR}).encode(),
        ProviderError,
        "provider_error",
        "it broke",
    ),
    "chat completions": (
        chat_chunk("Hi") + finish(),
        ProtocolError,
        "not_a_stream",
        "not the Responses API, but the protocol of chat completions",
    ),
    "an error": (
        BEGUN + sse({"type": "error", "code": "x", "message": "it broke", "param": None}),
        ProviderError,
        "provider_error",
        "it broke",
    ),
    "an error in an error": (
        sse({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded"}}),
        ProviderError,
        "rate_limited",
        "too many requests",
    ),
    "an error without a type": (
        sse({"error": {"message": "it broke"}}),
        ProviderError,
        "provider_error",
        "it broke",
    ),
    "failed": (BEGUN + stream_of(FAILED), ProviderError, "provider_error", "it broke"),
    "failed, whole": (json.dumps(FAILED).encode(), ProviderError, "provider_error", "it broke"),
    "too long": (
        stream_of(response(status="failed", error={"code": "context_length_exceeded"})),
        ProviderError,
        "context_overflow",
        "too long for the model",
    ),
    "not ready, whole": (
        json.dumps(response(status="in_progress")).encode(),
        IncompleteResponseError,
        "truncated_no_finish",
        "without a finish reason",
    ),
    "a call cut by the limit": (
        incomplete("max_output_tokens", CUT_CALL),
        IncompleteResponseError,
        "length",
        "nothing was run",
    ),
    "a call in an incomplete response": (
        incomplete("content_filter", call("add", {})),
        IncompleteResponseError,
        "content_filter",
        "nothing was run",
    ),
    "a cut call in a complete response": (
        stream_of(response(CUT_CALL)),
        IncompleteResponseError,
        "truncated_no_finish",
        "nothing was run",
    ),
    "a call without its end": (
        without(CALL_STREAM, "completed") + b"\n\n" + END,
        IncompleteResponseError,
        "truncated_no_finish",
        "nothing was run",
    ),
    "a call and an end mark alone": (
        without(CALL_STREAM, "response.completed") + b"\n\n" + DONE,
        IncompleteResponseError,
        "truncated_no_finish",
        "nothing was run",
    ),
    "two versions of a call": (
        stream_of(response(call("add", {"x": 2})), items=[call("add", {"x": 1})]),
        ProtocolError,
        "protocol",
        "not the same",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    data, error, kind, text = FAILURES[name]
    with pytest.raises(error, match=text) as info:
        decode([data])
    assert info.value.kind == kind


def test_events_before_an_error_in_the_same_bytes_are_yielded() -> None:
    events = []
    with pytest.raises(ProviderError):
        events.extend(ResponsesDecoder().feed(BEGUN + stream_of(FAILED)))
    assert events == HELLO[:2]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({"type": "response.output_text.done", "text": "Hi"}, [Token("Hi")]),
        ({"type": "response.refusal.done", "refusal": "No."}, [Token("No."), DECLINED]),
    ],
)
def test_a_text_without_deltas(end: Item, expected: list[Event]) -> None:
    place = {"output_index": 0, "content_index": 0}
    done = {"type": "response.completed", "response": {"output": []}}
    assert decode([encode([{**end, **place}, done])]) == [*expected, Complete("stop")]
    delta = {"type": end["type"].replace("done", "delta"), "delta": expected[0].text, **place}
    events = decode([encode([delta, {**end, **place}, done])])
    assert events == [*expected, Complete("stop")], "the text is there once"


def test_an_item_that_is_null() -> None:
    added = {"type": "response.output_item.added", "output_index": 0, "item": None}
    done = {"type": "response.completed", "response": {"output": []}}
    assert decode([encode([added, done])]) == [Complete("stop")]
