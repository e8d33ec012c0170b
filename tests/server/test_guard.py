"""What a client may not do: other models, large bodies, no key, another host's page."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cellmage import Options, UsageError
from cellmage.server import app
from cellmage.server.body import MAX_BODY_BYTES, read_body
from cellmage.server.errors import error_response
from cellmage.server.run import Connection
from cellmage.testing import ScriptedServer, answer, chunk
from tests.server.conftest import serving

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def guarded(connected: ScriptedServer) -> Iterator[str]:
    """Return the base URL of an endpoint with a key and two models."""
    with serving(app(Options(model="m"), models=["m", "n"], api_key="the key")) as address:
        yield address


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


@pytest.mark.parametrize("model", ["gguf//etc/passwd", "other", "m,other", "openai/gpt-5", "/etc"])
def test_other_models_are_not_served(address: str, model: object) -> None:
    reply = httpx2.post(f"{address}/chat/completions", json={**HELLO, "model": model})
    assert (reply.status_code, reply.json()["error"]["type"]) == (404, "not_found")


def test_large_bodies_are_refused_before_they_are_read(address: str) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    head += b"content-type: application/json\r\n"
    announced = b"content-length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
    with connect(address) as client:
        client.sendall(head + announced)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
    with connect(address) as client:
        client.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        with suppress(OSError):  # the server closes the connection
            for _ in range(40):
                client.sendall(chunk)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_another_name_of_this_machine_is_refused(address: str, host: str) -> None:
    """A web page whose name was made to resolve to this machine (DNS rebinding)."""
    reply = httpx2.get(f"{address}/models", headers={"host": host})
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "usage")
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("host", ["LocalHost:1", "127.0.0.1", "[::1]:8010"])
def test_the_names_of_this_machine(address: str, host: str) -> None:
    assert httpx2.get(f"{address}/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("data", [b'["' + b'\\"' * 3_000_000, b'{"a": [' + b"[]," * 3_000_000])
def test_many_values_in_a_small_body(address: str, data: bytes) -> None:
    headers = {"content-type": "application/json"}
    reply = httpx2.post(f"{address}/chat/completions", content=data, headers=headers, timeout=20)
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "usage")


def connect(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


class QuickConnection(Connection):
    head_seconds = read_seconds = 0.2


@pytest.mark.parametrize("sent", [b"", b"GET /v1/models HTTP/1.1\r\nhost: local"])
def test_a_client_that_sends_no_head(sent: bytes) -> None:
    with serving(app(), QuickConnection) as address, connect(address) as client:
        client.sendall(sent)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_client_that_sends_no_body() -> None:
    async def read(http: Request) -> Response:
        try:
            await read_body(http, seconds=0.2)
        except UsageError as error:
            return error_response(error)
        return Response()

    application = Starlette(routes=[Route("/", read, methods=["POST"])])
    with serving(application) as address, connect(address) as client:
        head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        client.sendall(head + b"content-length: 9\r\n\r\n{")
        reply = b""
        while b"}" not in reply:  # the head and the body may arrive apart
            reply += client.recv(1000) or b"}"
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"did not arrive within 0.2 s" in reply


def test_a_client_that_does_not_read(connected: ScriptedServer) -> None:
    """The connection to the model is closed, though the client stays."""
    connected.play(*[chunk("x" * 100_000)] * 200, end="hang")
    with serving(app(Options(model="m")), QuickConnection) as address, connect(address) as client:
        body = json.dumps({**HELLO, "stream": True}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        client.sendall(head + body)
        while not connected.exchanges:
            time.sleep(0.01)
        assert connected.last.finished.wait(20)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_key_is_required_for_other_machines(host: str) -> None:
    command = [sys.executable, "-m", "cellmage", "serve", "--host", host]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "set CELLMAGE_SERVE_KEY, or give --api-key" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "key", "url_host"),
    [("0.0.0.0", "a-key", "127.0.0.1"), ("::1", "", "[::1]"), ("127.0.0.2", "", "127.0.0.2")],
)
def test_the_command_at_other_addresses(host: str, key: str, url_host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as free:
            free.bind((host, 0))
            port = free.getsockname()[1]
    except OSError:
        pytest.skip(f"this system has no address {host}")
    command = [sys.executable, "-m", "cellmage", "serve", "--host", host, "--port", str(port)]
    environ = os.environ | {"CELLMAGE_SERVE_KEY": key}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            url, reply = f"http://{url_host}:{port}/v1/models", None
            while reply is None and process.poll() is None:
                with suppress(httpx2.ConnectError):
                    reply = httpx2.get(url, headers={"authorization": f"Bearer {key or 'none'}"})
            assert reply is not None
            assert (reply.status_code, httpx2.get(url).status_code) == (200, 401 if key else 200)
        finally:
            process.terminate()
