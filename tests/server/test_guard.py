"""What a client may not do: other models, large bodies, no key, another host's page."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
import uvicorn

from cellmage import Options
from cellmage.server import app
from cellmage.server.requests import MAX_BODY_BYTES
from cellmage.testing import ScriptedServer, answer

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def guarded(connected: ScriptedServer) -> Iterator[str]:
    """Return the base URL of an endpoint with a key and two models."""
    application = app(Options(model="m"), models=["m", "n"], api_key="the key")
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(20)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer other", "the key", "Bearer the keyx"])
def test_a_request_without_the_key_is_refused(guarded: str, header: str) -> None:
    for method, path in (("GET", "/models"), ("POST", "/chat/completions"), ("GET", "/x")):
        headers = {"authorization": header} if header else {}
        reply = httpx2.request(method, guarded + path, headers=headers)
        assert (reply.status_code, reply.json()["error"]["type"]) == (401, "auth")


def test_a_request_with_the_key_is_answered(guarded: str, connected: ScriptedServer) -> None:
    connected.play(*answer("Hi"))
    for model in ("m", "n", "default"):
        reply = httpx2.post(
            f"{guarded}/chat/completions",
            json={**HELLO, "model": model},
            headers={"authorization": "Bearer the key"},
        )
        assert reply.json()["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("model", ["gguf//etc/passwd", "other", "m,other", "openai/gpt-5", 5, [1]])
def test_other_models_are_not_served(address: str, model: object) -> None:
    reply = httpx2.post(f"{address}/chat/completions", json={**HELLO, "model": model})
    assert (reply.status_code, reply.json()["error"]["type"]) == (404, "not_found")
    assert "/etc" not in reply.text or "gguf//etc/passwd" in str(model)


def test_large_bodies_are_refused_before_they_are_read(address: str) -> None:
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    head += b"content-type: application/json\r\n"
    announced = b"content-length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head + announced)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        with suppress(OSError):  # the server closes the connection
            for _ in range(40):
                client.sendall(chunk)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_another_name_of_this_machine_is_refused(address: str) -> None:
    """A web page whose name was made to resolve to this machine (DNS rebinding)."""
    reply = httpx2.get(f"{address}/models", headers={"host": "evil.example"})
    assert reply.status_code == 400


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_key_is_required_for_other_machines(host: str) -> None:
    command = [sys.executable, "-m", "cellmage", "serve", "--host", host]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "set CELLMAGE_SERVE_KEY, or give --api-key" in result.stderr
