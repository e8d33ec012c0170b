"""A scripted HTTP server on loopback: real sockets, and faults by the byte.

    with ScriptedServer() as server:
        server.play(chunk("Hel"), 0.1, chunk("lo"), finish("stop"), DONE)

A step is bytes (one write, one HTTP chunk) or a number (a wait in seconds). What the server
received, what it wrote when, and when the client closed is kept in `server.exchanges`.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Step = bytes | float


def sse(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def chunk(text: str | None = None, *, finish: str | None = None, **delta: Any) -> bytes:
    delta = ({} if text is None else {"content": text}) | delta
    return sse(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


def finish(reason: str = "stop") -> bytes:
    return chunk(finish=reason)


def usage(asked: int, answered: int) -> bytes:
    counts = {"prompt_tokens": asked, "completion_tokens": answered}
    return sse({"id": "c1", "choices": [], "usage": counts})


def call(name: str, arguments: str, number: int = 0) -> bytes:
    """A model's request for a tool, in one piece."""
    function = {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{"index": number, "id": f"call{number}", "function": function}])


DONE = sse("[DONE]")


def answer(text: str, pieces: int | None = None) -> list[Step]:
    """The steps of a whole answer, cut into pieces of that many characters."""
    size = pieces or max(1, len(text))
    cuts = [text[i : i + size] for i in range(0, len(text), size)]
    return [*map(chunk, cuts), finish(), DONE]


@dataclass
class Reply:
    """How to answer.

    `transfer` is chunked, content-length, content-length:N (what is declared), close-delimited or
    none (no headers at all). `end` is clean, truncate (close before the last HTTP chunk or byte),
    reset or hang.
    """

    steps: Iterable[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    end: str = "clean"
    transfer: str = "chunked"


@dataclass
class Exchange:
    """One request, and what became of it; times are `time.monotonic()`."""

    path: str
    headers: dict[str, str]
    body: Any
    writes: list[float] = field(default_factory=list)
    closed_at: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(message["role"], message["content"]) for message in self.body["messages"]]


class ScriptedServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self._reply: Callable[[Exchange], Reply] = lambda _: Reply(answer("ok"))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self._open = True
        self._threads: list[threading.Thread] = []
        self._idle: set[socket.socket] = set()

    def play(self, *steps: Step, **reply: Any) -> None:
        """Answer every request with these steps."""
        fixed = Reply(steps, **reply)
        self._reply = lambda _: fixed

    def play_each(self, replies: Sequence[Reply]) -> None:
        """Answer the first request with the first reply, and so on."""
        rest = iter(replies)
        self._reply = lambda _: next(rest)

    def play_for(self, reply: Callable[[Exchange], Reply]) -> None:
        """Answer each request as the function says."""
        self._reply = reply

    @property
    def last(self) -> Exchange:
        return self.exchanges[-1]

    def __enter__(self) -> ScriptedServer:
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._open = False
        # Wakes the accepting thread, which close() alone does not on Linux.
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._listener.close()
        for connection in list(self._idle):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, target: Callable[..., None], *args: Any) -> None:
        def run() -> None:
            with suppress(OSError):  # the other side has gone
                target(*args)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while self._open:
            connection, _ = self._listener.accept()
            if self._open:
                self.connections += 1
                self._spawn(self._serve, connection)
            else:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with connection:
            while (exchange := self._next(connection)) is not None:
                self.exchanges.append(exchange)
                try:
                    keep = self._answer(connection, exchange, self._reply(exchange))
                except OSError:
                    keep = False
                if not keep:
                    exchange.closed_at = exchange.closed_at or time.monotonic()
                exchange.over.set()
                if not keep:
                    return

    def _next(self, connection: socket.socket) -> Exchange | None:
        self._idle.add(connection)
        try:
            return _receive(connection)
        finally:
            self._idle.discard(connection)

    def _answer(self, connection: socket.socket, exchange: Exchange, reply: Reply) -> bool:
        is_chunked = reply.transfer == "chunked"
        connection.sendall(_head(reply))
        for step in _cut(reply) if reply.end == "truncate" and not is_chunked else reply.steps:
            if not self._open:
                return False
            if isinstance(step, bytes):
                exchange.writes.append(time.monotonic())
                connection.sendall(b"%x\r\n%b\r\n" % (len(step), step) if is_chunked else step)
            elif not self._wait(connection, step):
                return False
        if reply.end == "clean":
            connection.sendall(b"0\r\n\r\n" if is_chunked else b"")
            return reply.transfer in ("chunked", "content-length")
        if reply.end == "reset":
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if reply.end == "hang":
            self._wait(connection, 60)
        return False

    def _wait(self, connection: socket.socket, seconds: float) -> bool:
        """Wait; False as soon as the client closes."""
        deadline = time.monotonic() + seconds
        while self._open and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([connection], [], [], min(left, 0.2))
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return False
        return self._open


def _head(reply: Reply) -> bytes:
    if reply.transfer == "none":
        return b""
    kind, _, declared = reply.transfer.partition(":")
    length = declared or (0 if kind != "content-length" else _length(reply.steps))
    transfer = {
        "chunked": {"transfer-encoding": "chunked"},
        "content-length": {"content-length": str(length)},
        "close-delimited": {"connection": "close"},
    }[kind]
    head = {"content-type": reply.content_type} | transfer | reply.headers
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in head.items()), "", ""]
    return "\r\n".join(lines).encode()


def _cut(reply: Reply) -> list[Step]:
    """The steps without their last byte."""
    steps = list(reply.steps)
    last = max(n for n, step in enumerate(steps) if isinstance(step, bytes))
    piece = steps[last]
    assert isinstance(piece, bytes)
    return [*steps[:last], piece[:-1]]


def _receive(connection: socket.socket) -> Exchange | None:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            piece = connection.recv(65536)
            if not piece:
                return None
            body += piece
    except OSError:
        return None
    return Exchange(request.split()[1], headers, json.loads(body) if body else None)


def _length(steps: Iterable[Step]) -> int:
    return sum(len(step) for step in steps if isinstance(step, bytes))
