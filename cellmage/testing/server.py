"""A scripted HTTP server on loopback: real sockets, and faults at any byte."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, Unpack

from .chunks import Step, answer
from .replies import Exchange, Reply, ReplyFields, head, no_reply, without_last_byte

_JOIN_SECONDS = 5.0
"""How long the end of a server waits for each of its threads."""

_HANG_SECONDS = 60.0
_POLL_SECONDS = 0.2


class ScriptedServer:
    """An OpenAI-compatible server on loopback that plays a script to every request.

    Use it as a context manager: its threads end with the block. Without a script it answers "ok".

    Args:
        tls: makes it an HTTPS server.

    Attributes:
        url: the base URL, with ``/v1``.
        port: the port.
        exchanges: the requests that it received, oldest first.
        connections: how many connections it accepted.

    Example:
        >>> from cellmage import Conversation, Options
        >>> with ScriptedServer() as server:
        ...     server.play(*answer("Hello", 3))
        ...     response = Conversation(Options(base_url=server.url, model="m")).ask("Hi")
        >>> response.text, server.last.messages
        ('Hello', [('user', 'Hi')])
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self._tls = tls
        self._handler: Callable[[Exchange], Reply] = lambda _: Reply(answer("ok"))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self._is_open = True
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()

    def play(self, *steps: Step, **fields: Unpack[ReplyFields]) -> None:
        """Answer every request with these steps.

        Args:
            steps: as in `Reply`.
            fields: the other fields of `Reply`.

        Example:
            >>> with ScriptedServer() as server:
            ...     server.play(b'{"error": {"message": "busy"}}', status=503)
            ...     server.play(b"data: ", 0.1, b"half an ev", end="reset")
        """
        reply = Reply(steps, **fields)
        self._handler = lambda _: reply

    def play_each(self, replies: Sequence[Reply]) -> None:
        """Answer the first request with the first reply, and so on; then with HTTP status 400."""
        remaining = iter(replies)
        self._handler = lambda _: next(remaining, no_reply(len(replies)))

    def play_with(self, handler: Callable[[Exchange], Reply]) -> None:
        """Answer each request with the reply that the function returns for it.

        Args:
            handler: called on a thread of the server, one for each connection.
        """
        self._handler = handler

    @property
    def last(self) -> Exchange:
        """The latest request.

        Raises:
            IndexError: there was none.
        """
        return self.exchanges[-1]

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_open = False
        # Wakes the accepting thread, which close() alone does not on Linux.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        accepting, *serving = self._threads
        accepting.join(_JOIN_SECONDS)
        self._listener.close()
        # From here on no connection is added, so none is left waiting for its next request.
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in serving:
            thread.join(_JOIN_SECONDS)

    def _spawn(self, target: Callable[..., None], *args: Any) -> None:
        def run() -> None:
            with suppress(OSError):  # the client has closed the connection
                target(*args)

        thread = threading.Thread(target=run, name="scripted-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if not self._is_open:
                connection.close()
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            self._connections.add(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                while (exchange := _receive(connection)) is not None:
                    self.exchanges.append(exchange)
                    if not self._reply(connection, exchange):
                        return
        finally:
            self._connections.discard(connection)

    def _reply(self, connection: socket.socket, exchange: Exchange) -> bool:
        """Reply to a request, and return whether the connection stays open."""
        try:
            is_reusable = self._play(connection, exchange, self._handler(exchange))
        except OSError:
            is_reusable = False
        if not is_reusable:
            exchange.closed_at = time.monotonic()
        exchange.finished.set()
        return is_reusable

    def _play(self, connection: socket.socket, exchange: Exchange, reply: Reply) -> bool:
        is_chunked = reply.transfer == "chunked"
        connection.sendall(head(reply))
        is_short = reply.end == "truncate" and not is_chunked
        for step in without_last_byte(reply) if is_short else reply.steps:
            if not self._is_open:
                return False
            if step == b"":
                continue  # an empty chunk would end the reply
            if isinstance(step, bytes):
                exchange.write_times.append(time.monotonic())
                connection.sendall(b"%x\r\n%b\r\n" % (len(step), step) if is_chunked else step)
            elif not self._wait(connection, step):
                return False
        return self._end(connection, reply)

    def _end(self, connection: socket.socket, reply: Reply) -> bool:
        if reply.end == "clean":
            connection.sendall(b"0\r\n\r\n" if reply.transfer == "chunked" else b"")
            return reply.transfer in ("chunked", "content-length")
        if reply.end == "reset":
            linger = struct.pack("ii", 1, 0)  # a close that sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if reply.end == "hang":
            self._wait(connection, _HANG_SECONDS)
        return False

    def _wait(self, connection: socket.socket, seconds: float) -> bool:
        """Wait, and return False as soon as the client or the server closes."""
        deadline = time.monotonic() + seconds
        while self._is_open and (remaining := deadline - time.monotonic()) > 0:
            timeout = min(remaining, _POLL_SECONDS)
            readable, _, _ = select.select([connection], [], [], timeout)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return False
        return self._is_open


def _receive(connection: socket.socket) -> Exchange | None:
    """Return the next request of a connection; None if the connection ends before it."""
    data = bytearray()
    with suppress(OSError):
        while b"\r\n\r\n" not in data:
            if not _read_into(data, connection):
                return None
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        request_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        data = bytearray(body)
        while len(data) < int(headers.get("content-length", 0)):
            if not _read_into(data, connection):
                return None
        return Exchange(request_line.split()[1], headers, json.loads(data) if data else None)
    return None


def _read_into(data: bytearray, connection: socket.socket) -> bool:
    """Append what arrives next, and return whether anything did."""
    received = connection.recv(65536)
    data += received
    return bool(received)
