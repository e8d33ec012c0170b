"""The scripted server itself: what it sends, and that its end waits for nobody."""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.error
import urllib.request

import pytest
import trustme

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, sse, usage


def post(server: ScriptedServer, body: object = None) -> bytes:
    request = urllib.request.Request(f"{server.url}/x", json.dumps(body or {}).encode())
    with urllib.request.urlopen(request, timeout=5) as response:
        data: bytes = response.read()
    return data


def test_what_is_played_is_sent(server: ScriptedServer) -> None:
    steps = [chunk("Hi", finish_reason="stop"), usage(1, 2), sse("text"), DONE]
    server.play(steps[0], 0.2, *steps[1:])
    assert post(server, {"messages": [{"role": "user", "content": "Go"}]}) == b"".join(steps)
    assert server.last.finished.wait(20)
    assert (server.last.path, server.last.messages) == ("/v1/x", [("user", "Go")])
    assert len(server.last.write_times) == 4
    assert server.last.write_times[1] - server.last.write_times[0] >= 0.2


def test_answer_is_cut_into_chunks() -> None:
    assert answer("Hello", 2) == [chunk("He"), chunk("ll"), chunk("o"), finish(), DONE]
    assert answer("") == [finish(), DONE]


def test_a_request_too_many_is_refused(server: ScriptedServer) -> None:
    server.play_each([Reply([b"one"])])
    assert post(server) == b"one"
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        post(server)
    assert b"has 1 replies" in caught.value.read()


@pytest.mark.parametrize("transfer", ["content-length", "close-delimited"])
def test_framing(server: ScriptedServer, transfer: str) -> None:
    server.play(b"one", b"two", transfer=transfer)
    assert post(server) == b"onetwo"


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("sent", [b"", b"POST /v1 HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"])
def test_the_end_waits_for_no_connection(is_secure: bool, sent: bytes) -> None:
    """Of clients that send nothing, or half a request; with TLS, of one that greets nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ScriptedServer(context if is_secure else None) as server:
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for client in clients[::2]:
            client.sendall(sent)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    for client in clients:
        client.close()


def test_the_end_interrupts_a_reply() -> None:
    with ScriptedServer() as server:
        server.play(chunk("a"), end="hang")
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(1)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    assert server.last.closed_at is not None
    client.close()
