"""A key is sent to its own server alone, whatever the proxies, redirects and addresses are."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from cellmage import CellmageError, Conversation
from cellmage.providers.catalogue import list_keys, list_models
from cellmage.providers.http_client import http_client, load_sdk
from cellmage.providers.keys import BoundKey, Key
from cellmage.providers.keystore import key_file_path
from cellmage.testing import Exchange, Reply, ScriptedServer, answer

CONFIGURED = "sk-test-configured-0001"
STORED = "sk-test-stored-host-0002"
GROQ, ANTHROPIC = "gsk_test_of_groq_0003", "sk-ant-test-of-another-0004"
EVERY_KEY = [CONFIGURED, STORED, GROQ, ANTHROPIC]


@dataclass
class Wire:
    """What has left the process: the addresses, the names that were looked up, and the requests."""

    configured: ScriptedServer
    stored: ScriptedServer
    proxy: ScriptedServer
    addresses: list[Any] = field(default_factory=list)

    def check(self) -> None:
        """Check that each key has reached its server alone, and nothing another address."""
        for server, own in ((self.configured, CONFIGURED), (self.stored, STORED), (self.proxy, "")):
            for exchange in server.exchanges:
                sent = json.dumps([exchange.path, exchange.headers, exchange.body])
                assert [key for key in EVERY_KEY if key in sent] in ([], [own])
        assert not [key for key in EVERY_KEY if key in repr(self.addresses)]


_open_wires: list[Wire] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if _open_wires and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        _open_wires[-1].addresses.append(arguments[1:] if event == "socket.connect" else arguments)


sys.addaudithook(_record)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with ScriptedServer() as configured, ScriptedServer() as stored, ScriptedServer() as proxy:
        proxy.play(b"", status=407)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("OPENAI_BASE_URL", configured.url)
        monkeypatch.setenv("OPENAI_API_KEY", CONFIGURED)
        monkeypatch.setenv("GROQ_API_KEY", GROQ)
        monkeypatch.setenv("ANTHROPIC_API_KEY", ANTHROPIC)
        path = key_file_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"127.0.0.1:{stored.port}={STORED}\n")
        path.chmod(0o600)
        wire = Wire(configured, stored, proxy)
        _open_wires.append(wire)
        yield wire
        _open_wires.remove(wire)


def ask(wire: Wire, **options: Any) -> str:
    return Conversation().ask("hi", **{"model": "m", **options}).text


def ask_both(wire: Wire) -> None:
    for base_url in (wire.configured.url, wire.stored.url, wire.configured.url):
        assert ask(wire, base_url=base_url) == "ok"
    sent = [e.headers["authorization"] for e in (wire.configured.last, wire.stored.last)]
    assert sent == [f"Bearer {CONFIGURED}", f"Bearer {STORED}"]
    assert not wire.proxy.exchanges


def ask_with_fallback(wire: Wire) -> None:
    wire.configured.play(b"{}", status=404)
    ask(wire, fallback=["groq/llama", "ollama/none", "anthropic/claude"])


def compare(wire: Wire) -> None:
    for _ in Conversation().compare("hi", ["m", "groq/llama", "ollama/none"]):
        pass


def follow_redirect(wire: Wire) -> None:
    for status in (301, 302, 303, 307, 308):
        headers = {"location": f"{wire.stored.url}/chat/completions"}
        wire.configured.play(b"", status=status, headers=headers)
        with pytest.raises(CellmageError, match="the new one is"):
            ask(wire)
        with pytest.raises(CellmageError):
            asyncio.run(read(Conversation().astream("hi", model="m")))
    assert not wire.stored.exchanges


async def read(stream: Any) -> None:
    async for _ in stream:
        pass


def list_everything(wire: Wire) -> None:
    models = b'{"data": [{"id": "m"}]}'
    wire.configured.play(models, content_type="application/json")
    wire.stored.play(models, content_type="application/json")
    for arguments in ({}, {"base_url": wire.stored.url}, {"prefix": "groq"}):
        list_models(**arguments, timeout=2)
    list_keys()
    assert wire.configured.exchanges
    assert wire.stored.last.headers["authorization"] == f"Bearer {STORED}"


def mistype_model(wire: Wire) -> None:
    def reply(exchange: Exchange) -> Reply:
        if exchange.path.endswith("/models"):
            return Reply([b'{"data": [{"id": "model"}]}'], content_type="application/json")
        return Reply([b'{"error": {"message": "no such model"}}'], status=404)

    wire.configured.play_with(reply)
    with pytest.raises(CellmageError, match="did you mean model"):
        ask(wire, model="modle")


def mistype_address(wire: Wire) -> None:
    for base_url in (
        f"http://me:{CONFIGURED}@127.0.0.1:{wire.stored.port}/v1",
        f"http://127.0.0.1:{wire.stored.port}/v1?key={CONFIGURED}",
        f"http://127.0.0.1:{wire.stored.port}#@127.0.0.1:{wire.configured.port}/v1",
        f"{CONFIGURED}://127.0.0.1/v1",
    ):
        with pytest.raises(CellmageError) as caught:
            ask(wire, base_url=base_url)
        assert CONFIGURED not in str(caught.value)
    for base_url in ("http://127.0.0.1:9/v1", "https://no-such-host.test/v1"):
        with pytest.raises(CellmageError):
            ask(wire, base_url=base_url)
    assert not wire.stored.exchanges


def ask_without_tls(wire: Wire) -> None:
    with pytest.raises(CellmageError, match=r"plain http to api\.groq\.com"):
        ask(wire, base_url="http://api.groq.com/openai/v1")
    with pytest.raises(CellmageError, match=r"plain http to models\.test"):
        ask(wire, base_url="http://models.test/v1")
    with pytest.raises(CellmageError):
        ask(wire, base_url=wire.configured.url.replace("http:", "https:"), connect_timeout=0.3)
    assert not wire.proxy.exchanges


def ask_through_refusing_proxy(wire: Wire) -> None:
    with pytest.raises(CellmageError, match="the proxy refused"):
        ask(wire, model="groq/llama")
    wire.proxy.play(*answer("who are you?"))
    with pytest.raises(CellmageError):
        ask(wire, model="groq/llama")
    assert {exchange.path for exchange in wire.proxy.exchanges} == {"api.groq.com:443"}


CASES: list[Callable[[Wire], None]] = [
    ask_both, ask_with_fallback, compare, follow_redirect, list_everything, mistype_model,
    mistype_address, ask_without_tls, ask_through_refusing_proxy,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_key_reaches_its_server_alone(case: Callable[[Wire], None], wire: Wire) -> None:
    with suppress(CellmageError):
        case(wire)
    wire.check()


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_proxy_does_not_see_loopback(
    wire: Wire, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{wire.proxy.port}")
    for host in ("127.0.0.1", "localhost", "models.localhost", "0.0.0.0"):
        with suppress(CellmageError):  # a resolver may not know subdomains of localhost
            ask(wire, base_url=f"http://{host}:{wire.configured.port}/v1")
    assert not wire.proxy.connections
    assert wire.configured.exchanges
    wire.check()


def test_the_client_itself_gives_no_key_to_another_server(wire: Wire) -> None:
    """Whatever the SDK or its HTTP library did with a request, such as to follow a redirect."""
    bound = BoundKey(Key(CONFIGURED), wire.configured.url)
    headers = {"authorization": f"Bearer {bound.handle}"}

    async def send() -> None:
        client = await http_client(await load_sdk(), wire.configured.url)
        for server in (wire.configured, wire.stored):
            await client.post(server.url, headers=headers, json={})

    asyncio.run(send())
    assert wire.configured.last.headers["authorization"] == f"Bearer {CONFIGURED}"
    assert "authorization" not in wire.stored.last.headers
    wire.check()
