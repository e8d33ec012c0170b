"""Proxies and certificates, as the environment names them."""

from __future__ import annotations

import importlib.util
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from cellmage import CellmageError, ConfigError, Conversation, Options
from cellmage.providers.keys import Secret
from cellmage.providers.proxies import find_proxy
from cellmage.testing import ScriptedServer

VARIABLES = [
    name for kind in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in (kind, kind.lower())
]  # fmt: skip
REMOTE = "http://models.test/v1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLMAGE_HTTP_HOSTS", "models.test")


@pytest.fixture
def without_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str, *args: Any) -> Any:
        return None if name == "socksio" else original(name, *args)

    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


class TestProxies:
    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    def test_a_server_on_this_machine_is_asked_directly(
        self, connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        with ScriptedServer() as proxy:
            monkeypatch.setenv(variable, proxy.url.removesuffix("/v1"))
            for host in ("127.0.0.1", "localhost", "0.0.0.0"):
                base_url = f"http://{host}:{connected.port}/v1"
                assert Conversation().ask("hi", model="m", base_url=base_url).text == "ok"
            assert not proxy.exchanges
        assert len(connected.exchanges) == 3

    def test_another_server_is_asked_through_the_proxy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also when the proxy is set after the first request."""
        with ScriptedServer() as proxy:
            for name in ("HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"127.0.0.1:{proxy.port}")
                assert Conversation().ask("hi", model="m", base_url=REMOTE).text == "ok"
                assert proxy.last.path == "http://models.test/v1/chat/completions"
                monkeypatch.delenv(name)
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("NO_PROXY", "a.example, models.test")
            with pytest.raises(CellmageError):
                Conversation().ask("hi", model="m", base_url=REMOTE)
            assert len(proxy.exchanges) == 2

    @pytest.mark.parametrize(
        ("no_proxy", "host", "is_direct"),
        [
            ("", "a.example", False),
            ("*", "a.example", True),
            ("b.example, *", "a.example", True),
            ("a.example", "a.example", True),
            ("a.example:8443", "a.example:8443", True),
            ("example", "a.example", True),
            (".example", "a.example", True),
            ("*.example", "a.example", True),
            ("ample", "a.example", False),
            ("10.0.0.0/8", "10.1.2.3", True),
            ("10.0.0.0/8", "11.1.2.3", False),
            ("fd00::/8", "[fd00::1]", True),
            ("nonsense/99", "a.example", False),
        ],
    )
    def test_no_proxy(
        self, monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, is_direct: bool
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert (find_proxy(f"https://{host}/v1") is None) == is_direct

    @pytest.mark.usefixtures("without_socks")
    def test_a_socks_proxy_without_its_package(
        self, connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5://me:hunter2@127.0.0.1:9")
        assert Conversation().ask("hi", model="m").text == "ok"
        with pytest.raises(ConfigError, match="pip install socksio") as caught:
            Conversation().ask("hi", model="m", base_url=REMOTE)
        line = str(caught.value)
        assert line.startswith("m at models.test: ALL_PROXY names a SOCKS proxy")
        assert "NO_PROXY=models.test" in line
        assert "hunter2" not in line
        monkeypatch.setenv("NO_PROXY", "models.test")
        assert find_proxy(REMOTE) is None

    def test_a_socks_proxy_with_its_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
        monkeypatch.setenv("all_proxy", "socks://127.0.0.1:1080")
        assert find_proxy(REMOTE) == (Secret("socks5://127.0.0.1:1080"), "all_proxy")

    def test_a_proxy_that_does_not_answer_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@127.0.0.1:9")
        with pytest.raises(CellmageError, match="asked through the proxy of HTTP_PROXY") as caught:
            Conversation().ask("hi", model="m", base_url=REMOTE)
        assert "hunter2" not in str(caught.value)

    def test_a_proxy_that_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with ScriptedServer() as proxy:
            proxy.play(b"", status=407)
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            with pytest.raises(CellmageError, match="the proxy refused") as caught:
                Conversation().ask("hi", model="m", base_url="https://models.test/v1")
        assert caught.value.kind == "connect"
        assert "the proxy of https_proxy" in str(caught.value)

    @pytest.mark.parametrize("proxy", ["socks4://a:1", "http://", "ftp://a", "http://[::1"])
    def test_a_proxy_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
        monkeypatch.setenv("https_proxy", proxy)
        with pytest.raises(ConfigError, match="the proxy of https_proxy cannot be used"):
            find_proxy("https://a.example/v1")


class TestCertificates:
    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
    def test_what_does_not_exist(
        self, connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, "/nope.pem")
        assert Conversation().ask("hi", model="m").text == "ok"  # plain http needs none
        with pytest.raises(ConfigError, match=f"{variable} names /nope.pem, which does not exist"):
            Conversation().ask("hi", model="m", base_url="https://models.test/v1")

    def test_a_file_without_certificates(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = tmp_path / "empty.pem"
        path.write_text("no certificate")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(ConfigError, match=r"SSL_CERT_FILE names .*, which has no certificates"):
            Conversation().ask("hi", model="m", base_url="https://models.test/v1")

    def test_an_authority_that_is_added_later(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        with ScriptedServer(tls=context) as server:
            chat = Conversation(Options(model="m", base_url=server.url))
            with pytest.raises(CellmageError, match="certificate is not trusted"):
                chat.ask("hi")
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            assert chat.ask("hi").text == "ok"


def test_an_address_of_azure_deployments(
    connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/openai/deployments/d/chat/completions?api-version=2024-02-01"
    monkeypatch.setenv("OPENAI_BASE_URL", connected.url.replace("/v1", path))
    assert Conversation().ask("hi", model="m").text == "ok"
    sent = connected.last
    assert sent.path == path
    assert sent.headers["api-key"] == "sk-test-0000"
    assert "authorization" not in sent.headers
