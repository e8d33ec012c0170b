"""The body of an answer to events, in every shape that servers send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import IncompleteResponseError, ProtocolError, ProviderError
from cellmage.events import Complete, Event, Reasoning, Token
from cellmage.messages import Usage
from cellmage.providers.chat_completions import ChatCompletionDecoder
from cellmage.testing import DONE, chunk, finish, sse, usage
from tests.test_sse import cut

HELLO = [Token("Hel"), Token("lo"), Complete("stop")]


def decode(pieces: list[bytes]) -> list[Event]:
    decoder = ChatCompletionDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def choice(**fields: Any) -> bytes:
    return sse({"choices": [{"index": 0} | fields]})


HEL, LO = chunk("Hel"), chunk("lo")
STREAMS: dict[str, tuple[list[bytes], list[Event]]] = {
    "plain": ([chunk(role="assistant"), HEL, LO, finish(), DONE], HELLO),
    "no end mark": ([HEL, LO, finish()], HELLO),
    "end mark padded": ([HEL, LO, finish(), b"data:   [DONE]  \n\n"], HELLO),
    "what follows the end mark": ([HEL, LO, finish(), DONE, chunk("x")], HELLO),
    "null and empty content": (
        [chunk(content=None), HEL, chunk(""), LO, chunk(content=None, finish_reason="stop"), DONE],
        HELLO,
    ),
    "no choices": ([sse({"choices": []}), sse({"id": 1}), HEL, LO, finish(), DONE], HELLO),
    "null, empty object, bare data": (
        [sse("null"), sse("{}"), b"data\n\n", b"data: \n\n", HEL, LO, finish(), DONE],
        HELLO,
    ),
    "delta null": ([choice(delta=None), HEL, LO, choice(delta=None, finish_reason="stop")], HELLO),
    "finish with the last text": ([HEL, chunk("lo", finish_reason="stop"), DONE], HELLO),
    "empty finish reasons": ([chunk("Hel", finish_reason=""), LO, finish(), DONE], HELLO),
    "first finish reason counts": ([HEL, LO, finish(), finish("length"), DONE], HELLO),
    "text after the finish reason": ([HEL, finish(), LO, DONE], HELLO),
    "other choices": ([HEL, choice(index=1, delta={"content": "x"}), LO, finish(), DONE], HELLO),
    "content in parts": (
        [chunk(content=[{"type": "text", "text": "Hel"}]), LO, finish(), DONE],
        HELLO,
    ),
    "usage last": (
        [HEL, LO, finish(), usage(1, 2), DONE],
        [*HELLO[:2], Complete("stop", Usage(1, 2))],
    ),
    "reasoning_content": (
        [chunk(reasoning_content="hm"), HEL, LO, finish(), DONE],
        [Reasoning("hm"), *HELLO],
    ),
    "reasoning": ([chunk(reasoning="hm"), HEL, LO, finish(), DONE], [Reasoning("hm"), *HELLO]),
    "reasoning under both names is one": (
        [chunk(reasoning="hm", reasoning_content="hm"), HEL, LO, finish(), DONE],
        [Reasoning("hm"), *HELLO],
    ),
    "NaN in an unused field": (
        [b'data: {"x": NaN, "choices": []}\n\n', HEL, LO, finish(), DONE],
        HELLO,
    ),
    "no blank line at the end": ([HEL, LO, finish()[:-1]], HELLO),
    "an emoji in two halves": (
        [HEL, chunk("lo \ud83e"), chunk("\uddd9!"), finish(), DONE],
        [Token("Hel"), Token("lo "), Token("🧙!"), Complete("stop")],
    ),
    "half an emoji": (
        [HEL, chunk("lo\ud83e"), finish(), DONE],
        [Token("Hel"), Token("lo"), Token("�"), Complete("stop")],
    ),
    "blank lines first": ([b"\n", b"\n\n", HEL, LO, finish(), DONE], HELLO),
    "end mark in lower case": ([HEL, LO, finish(), b"data: [done]\n\n"], HELLO),
    "end mark in lower case, and no finish reason": (
        [HEL, LO, b"data: [done]\n\n"],
        [*HELLO[:2], Complete(None)],
    ),
    "another end mark": ([HEL, LO, finish(), b"data: end of stream\n\n"], HELLO),
    "a byte order mark before JSON": (
        [part.replace(b"data: ", b"data: \xef\xbb\xbf") for part in (HEL, LO, finish())],
        HELLO,
    ),
    "a byte order mark before each event": (
        [b"\xef\xbb\xbf" + part for part in (HEL, LO, finish(), DONE)],
        HELLO,
    ),
    "no blank lines": (
        [part.replace(b"\n\n", b"\n") for part in (HEL, LO, finish(), DONE)],
        HELLO,
    ),
    "the name of the field twice": (
        [b"data: " + part for part in (HEL, LO, finish(), DONE)],
        HELLO,
    ),
    "heartbeats": (
        [
            b"data: ping\n\n",
            HEL,
            b"event: heartbeat\ndata: alive\n\n",
            LO,
            b"data: [keep-alive]\n\n",
            finish(),
        ],
        HELLO,
    ),
    "no line end at the end": ([HEL, LO, finish()[:-2]], HELLO),
    "an end mark without a line end": (
        [HEL, LO, b"data: [DONE]"],
        [*HELLO[:2], Complete(None)],
    ),
    "a cut event after the finish reason": ([HEL, LO, finish(), HEL[:-9]], HELLO),
}


@pytest.mark.parametrize("name", STREAMS)
def test_stream_complete_and_in_every_size(name: str) -> None:
    parts, events = STREAMS[name]
    data = b"".join(parts)
    for size in (len(data), 1, 2, 3, 7, 64):
        assert decode([data[i : i + size] for i in range(0, len(data), size)]) == events


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_complete_body(size: int) -> None:
    message = {"role": "assistant", "content": "Hello", "reasoning_content": "hm"}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    data = b" \n" + json.dumps(body).encode()
    assert decode([data[i : i + size] for i in range(0, len(data), size)]) == [
        Reasoning("hm"),
        Token("Hello"),
        Complete("stop", Usage(3, 4)),
    ]


def test_done_at_the_end_mark() -> None:
    decoder = ChatCompletionDecoder()
    list(decoder.feed(HEL + finish()))
    assert not decoder.done
    list(decoder.feed(DONE))
    assert decoder.done


def test_events_before_an_error_in_the_same_bytes_are_yielded() -> None:
    events = []
    with pytest.raises(ProviderError):
        events.extend(ChatCompletionDecoder().feed(HEL + LO + sse({"error": "boom"})))
    assert events == HELLO[:2]


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([HEL], IncompleteResponseError, "without a finish reason"),
        ([], ProtocolError, "it is empty"),
        ([DONE], ProtocolError, "no answer of a model"),
        ([b"<!DOCTYPE html>\n<p>Log in"], ProtocolError, "'<!DOCTYPE html> <p>Log in'"),
        ([b'{"detail": "Not Found"}'], ProviderError, "Not Found"),
        ([sse({"object": "error", "message": "too long"}), DONE], ProviderError, "too long"),
        ([b'event: error\ndata: {"message": "busy"}\n\n', DONE], ProviderError, "busy"),
        ([b'[{"error": {"message": "bad key"}}]'], ProviderError, "bad key"),
        ([choice(delta=["hi"])], ProtocolError, "cannot be read"),
        ([sse({"choices": [None]})], ProtocolError, "no answer of a model"),
        ([sse({"choices": [{"delta": {}, "index": 0}, "x"]})], ProtocolError, "cannot be read"),
        ([sse({"choices": [], "usage": 5})], ProtocolError, "no answer of a model"),
        ([HEL, b"data: {broken\n\n"], ProtocolError, "not JSON"),
        ([HEL, sse({"error": {"message": "over loaded"}})], ProviderError, "over loaded"),
        ([HEL, sse({"error": "boom"})], ProviderError, "boom"),
        ([b'{"error": {"message": "bad key"}}'], ProviderError, "bad key"),
        ([b"{broken"], ProtocolError, "not JSON"),
    ],
)
def test_errors(parts: list[bytes], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        decode(parts)


def has_no_tag(text: str) -> bool:
    return not any(end in text.lower() for end in ("think", "thought", "reason"))


@given(
    st.lists(st.text(min_size=1).filter(has_no_tag)),
    st.lists(st.integers(0, 100_000), max_size=50),
    st.booleans(),
)
def test_any_text_in_any_pieces_cut_at_any_byte(
    texts: list[str], offsets: list[int], ascii_only: bool
) -> None:
    chunks = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    frames = [sse(json.dumps(body, ensure_ascii=ascii_only)) for body in chunks]
    events = decode(cut(b"".join([*frames, finish(), DONE]), offsets))
    assert events == [*map(Token, texts), Complete("stop")]
