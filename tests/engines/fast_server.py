"""A server in a process of its own that answers as fast as this machine can: one canned answer.

``python -m tests.engines.fast_server DELAY_SECONDS REQUESTS_PER_MINUTE`` prints its port. The
answer to "… <17> …" is "answer 17". Headers tell the limit, if there is one; above it the status is
429.
``GET /stats`` returns how often each number was answered, and how many requests were refused.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from functools import partial

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
NUMBER = re.compile(rb"<(\d+)>")
HEAD = b"HTTP/1.1 %d OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n%s\r\n"


class Limit:
    """A token bucket of one second, as providers enforce a limit per minute."""

    def __init__(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self.capacity = max(1.0, per_minute / 60)
        self.level, self.at = self.capacity, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.at) * self.per_minute / 60)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def headers(self) -> bytes:
        seconds = (self.capacity - self.level) * 60 / self.per_minute
        return (
            f"x-ratelimit-limit-requests: {self.per_minute:.0f}\r\n"
            f"x-ratelimit-remaining-requests: {self.level:.0f}\r\n"
            f"x-ratelimit-reset-requests: {seconds:.3f}s\r\n"
        ).encode()


class State:
    def __init__(self, delay: float, per_minute: float) -> None:
        self.delay = delay
        self.limit = Limit(per_minute) if per_minute else None
        self.answers: Counter[int] = Counter()
        self.times: list[float] = []
        self.refused = 0

    def stats(self) -> bytes:
        often = {number: count for number, count in self.answers.items() if count > 1}
        span = self.times[-1] - self.times[0] if self.times else 0
        facts = {"rows": len(self.answers), "requests": len(self.times), "refused": self.refused}
        return json.dumps({**facts, "often": often, "seconds": span}).encode()


def chunk(**fields: object) -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fast"}
    return b"data: " + json.dumps({**base, **fields}).encode() + b"\n\n"


def answer(number: int) -> bytes:
    text = chunk(choices=[{"index": 0, "delta": {"content": f"answer {number}"}}])
    end = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    usage = chunk(
        choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    )
    return text + end + usage + b"data: [DONE]\n\n"


class Connection(asyncio.Protocol):
    def __init__(self, state: State) -> None:
        self.state = state
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.data, 0, end)
            size = end + 4 + (int(length.group(1)) if length else 0)
            if len(self.data) < size:
                return
            request, self.data = self.data[:size], self.data[size:]
            self.reply(request)

    def reply(self, request: bytes) -> None:
        state = self.state
        if request.startswith(b"GET /stats"):
            self.send(200, b"application/json", state.stats())
            return
        if state.limit is not None and not state.limit.take():
            state.refused += 1
            body = b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'
            self.send(429, b"application/json", body, b"retry-after-ms: 100\r\n")
            return
        number = int(NUMBER.findall(request)[-1])
        state.times.append(time.monotonic())
        send = partial(self.send, 200, b"text/event-stream", answer(number))
        asyncio.get_running_loop().call_later(state.delay, self.finish, number, send)

    def finish(self, number: int, send: partial[None]) -> None:
        self.state.answers[number] += 1
        send()

    def send(self, status: int, kind: bytes, body: bytes, more: bytes = b"") -> None:
        headers = more + (self.state.limit.headers() if self.state.limit else b"")
        self.transport.write(HEAD % (status, kind, len(body), headers) + body)


async def serve(state: State) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(State(float(sys.argv[1]), float(sys.argv[2]))))
