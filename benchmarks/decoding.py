"""What decoding costs in each API: `make bench`, or `python -m benchmarks.decoding`.

An answer of many small chunks, in memory and as fast as it can be read: our decoder makes events of
the bytes, and the loop of the SDK's own documentation reads the same bytes. No network, no threads:
CPU for each chunk, the best of several runs in turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import httpx2
from anthropic import Anthropic
from openai import OpenAI

from cellmage.events import Token
from cellmage.providers.apis import APIS

from .table import missed, ratio

CHUNKS = 20_000
RUNS = 5
LIMIT = 0.3

QUESTION: Any = [{"role": "user", "content": "Go"}]
TEXT = "word "


def sse(value: dict[str, Any]) -> bytes:
    head = f"event: {value['type']}\n" if "type" in value else ""
    return f"{head}data: {json.dumps(value)}\n\n".encode()


def chat_stream() -> Iterator[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000}
    head |= {"model": "gpt-6", "service_tier": "default", "system_fingerprint": "fp_1"}
    for index in range(CHUNKS):
        choice = {"index": 0, "delta": {"content": TEXT}, "logprobs": None, "finish_reason": None}
        yield sse({**head, "choices": [choice], "obfuscation": f"x{index % 9}"})
    yield sse({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield b"data: [DONE]\n\n"


def responses_stream() -> Iterator[bytes]:
    response = {
        "id": "resp_1", "object": "response", "created_at": 1700000000, "model": "gpt-6",
        "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip
    yield sse({"type": "response.created", "sequence_number": 0, "response": response})
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    for index in range(CHUNKS):
        delta = {"type": "response.output_text.delta", "sequence_number": index + 1, "delta": TEXT}
        yield sse({**delta, **place, "obfuscation": f"x{index % 9}"})
    end = {**response, "status": "completed"}
    yield sse({"type": "response.completed", "sequence_number": CHUNKS + 1, "response": end})


def messages_stream() -> Iterator[bytes]:
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
    message |= {"model": "claude-opus-5", "content": [], "stop_reason": None}
    usage = {"input_tokens": 9, "output_tokens": 1}
    yield sse({"type": "message_start", "message": {**message, "usage": usage}})
    block = {"type": "text", "text": ""}
    yield sse({"type": "content_block_start", "index": 0, "content_block": block})
    delta = {"type": "text_delta", "text": TEXT}
    yield from [sse({"type": "content_block_delta", "index": 0, "delta": delta})] * CHUNKS
    yield sse({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    yield sse({"type": "message_delta", "delta": end, "usage": {"output_tokens": CHUNKS}})
    yield sse({"type": "message_stop"})


def our_texts(api: str, pieces: list[bytes]) -> Iterator[str]:
    decoder = APIS[api].decoder(False, "text/event-stream")
    for piece in pieces:
        for event in decoder.feed(piece):
            if isinstance(event, Token):
                yield event.text
    for event in decoder.close():
        if isinstance(event, Token):
            yield event.text


class Body(httpx2.SyncByteStream):
    """A body in memory."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def reply(pieces: list[bytes]) -> httpx2.Client:
    """Return an HTTP client that answers with a body."""
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=headers, stream=Body(pieces))
    )
    return httpx2.Client(transport=transport)


def openai(pieces: list[bytes]) -> OpenAI:
    return OpenAI(api_key="none", http_client=reply(pieces))


def chat_texts(pieces: list[bytes]) -> Iterator[str]:
    chunks = openai(pieces).chat.completions.create(model="m", messages=QUESTION, stream=True)
    for chunk in chunks:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            yield text


def responses_texts(pieces: list[bytes]) -> Iterator[str]:
    for event in openai(pieces).responses.create(model="m", input=QUESTION, stream=True):
        if event.type == "response.output_text.delta":
            yield event.delta


def messages_texts(pieces: list[bytes]) -> Iterator[str]:
    client = Anthropic(api_key="none", http_client=reply(pieces))
    events = client.messages.create(model="m", max_tokens=9, messages=QUESTION, stream=True)
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield event.delta.text


PEERS: dict[str, tuple[str, Iterable[bytes], Callable[[list[bytes]], Iterator[str]]]] = {
    "chat": ("openai, chat completions", chat_stream(), chat_texts),
    "responses": ("openai, Responses", responses_stream(), responses_texts),
    "messages": ("anthropic, Messages", messages_stream(), messages_texts),
}


def cpu(read: Callable[[list[bytes]], Iterator[str]], pieces: list[bytes]) -> float:
    """Return the seconds of CPU of one read; check that nothing is lost."""
    began = time.process_time()
    size = sum(map(len, read(pieces)))
    took = time.process_time() - began
    assert size == CHUNKS * len(TEXT), f"{size} characters"
    return took


def microseconds(value: float) -> str:
    return f"{value * 1e6:.1f} µs"


def main() -> None:
    for api, (what, stream, theirs) in PEERS.items():
        pieces = list(stream)
        ours = partial(our_texts, api)
        times = [(cpu(ours, pieces), cpu(theirs, pieces)) for _ in range(RUNS)]
        best = [min(column) / CHUNKS for column in zip(*times, strict=True)]
        ratio(f"a chunk, against {what}", best[0], best[1], LIMIT, microseconds)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
