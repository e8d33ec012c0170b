"""A chat-completions server with faults and an advertised rate, in a process of its own.

It counts each request by its prompt and its time; ``GET /counts`` returns that as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

FAULTS = {"429": 0.05, "500": 0.02, "cut": 0.01, "stall": 0.005}
"""The share of requests with each fault."""

_WORDS = 20


@dataclass
class Script:
    """What the server does.

    Args:
        limit: requests per minute, as it says in each reply; 0 says nothing.
        latency: seconds until the answer.
        has_faults: True for a share of `FAULTS`.
    """

    limit: int
    latency: float
    has_faults: bool
    random: random.Random = field(default_factory=lambda: random.Random(7))
    times: list[float] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def fault(self) -> str:
        """Return the fault of the next request; empty for none."""
        share = self.random.random()
        for name, part in FAULTS.items() if self.has_faults else ():
            if share < part:
                return name
            share -= part
        return ""

    def rate_headers(self) -> str:
        """Return what is left in the last minute, as headers."""
        if not self.limit:
            return ""
        since = time.monotonic() - 60
        recent = 0
        for moment in reversed(self.times):
            if moment < since:
                break
            recent += 1
        left = max(0, self.limit - recent)
        return (
            f"x-ratelimit-limit-requests: {self.limit}\r\n"
            f"x-ratelimit-remaining-requests: {left}\r\n"
            f"x-ratelimit-reset-requests: 1s\r\n"
        )

    def counts(self) -> dict[str, object]:
        """Return what was counted."""
        return {
            "requests": len(self.times),
            "asked": dict(self.asked),
            "answered": dict(self.answered),
            "most_in_a_second": most_within(self.times, 1.0),
            "most_in_a_minute": most_within(self.times, 60.0),
            "seconds": self.times[-1] - self.times[0] if self.times else 0.0,
        }


def most_within(times: list[float], seconds: float) -> int:
    """Return the most times in any span of so many seconds."""
    most = start = 0
    for end, moment in enumerate(times):
        while moment - times[start] >= seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def sse_body(prompt: str) -> bytes:
    """Return an answer that repeats the prompt, as events."""
    chunks = [f"{prompt}:", *(f" word{index}" for index in range(_WORDS))]
    events = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in chunks]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 10, "completion_tokens": _WORDS, "total_tokens": 10 + _WORDS}
    events.append({"choices": [], "usage": usage})
    common = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    lines = [f"data: {json.dumps({**common, **event})}\n\n" for event in events]
    return ("".join(lines) + "data: [DONE]\n\n").encode()


class Connection(asyncio.Protocol):
    """One connection, which answers one request after the other."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(body) < length:
            return
        self._data = body[length:]
        if head.startswith(b"GET"):
            self._reply("200 OK", json.dumps(self._script.counts()).encode())
        else:
            self._answer(json.loads(body[:length])["messages"][-1]["content"])

    def _answer(self, prompt: str) -> None:
        script = self._script
        script.times.append(time.monotonic())
        script.asked[prompt] += 1
        fault = script.fault()
        replies: dict[str, Callable[[], None]] = {
            "429": lambda: self._error("429 Too Many Requests", "retry-after: 1\r\n"),
            "500": lambda: self._error("500 Internal Server Error", ""),
            "cut": lambda: self._stream(prompt, 0.5),
            "stall": lambda: None,
        }
        reply = replies.get(fault, lambda: self._stream(prompt, 1.0))
        asyncio.get_running_loop().call_later(script.latency, reply)

    def _error(self, status: str, headers: str) -> None:
        self._reply(status, b'{"error": {"message": "later"}}', headers)

    def _stream(self, prompt: str, share: float) -> None:
        """Send a share of the answer; the connection is closed after a part of it."""
        body = sse_body(prompt)
        if share == 1.0:
            self._script.answered[prompt] += 1
        head = (
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            f"{self._script.rate_headers()}content-length: {len(body)}\r\n\r\n"
        )
        self._write(head.encode() + body[: int(len(body) * share)])
        if share < 1.0:
            self._transport.close()

    def _reply(self, status: str, body: bytes, headers: str = "") -> None:
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
            f"{self._script.rate_headers()}{headers}content-length: {len(body)}\r\n\r\n"
        )
        self._write(head.encode() + body)

    def _write(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        if not self._transport.is_closing():
            self._transport.write(data)


async def serve(script: Script) -> None:
    """Serve until the process ends; the first line of the output is the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(script), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    limit, latency, has_faults = sys.argv[1:]
    asyncio.run(serve(Script(int(limit), float(latency), has_faults == "faults")))
