"""Endpoints and providers of other packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellmage import ConfigError, Conversation
from cellmage.providers import plugins
from cellmage.testing import ScriptedServer

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package with one entry point where Python finds packages."""

    def install(code: str, entry: str) -> None:
        facts = tmp_path / "acme-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[cellmage.providers]\n{entry}\n")
        (tmp_path / "acme_models.py").write_text(code)
        plugins._declared.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    sys.modules.pop("acme_models", None)
    plugins._declared.cache_clear()


def test_an_endpoint(
    install: Install, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", "k-acme-0001")
    install(
        f"from cellmage import Endpoint\nENDPOINT = Endpoint({server.url!r}, 'ACME_KEY')",
        "acme = acme_models:ENDPOINT",
    )
    assert Conversation().ask("hi", model="acme/large/1").text == "ok"
    assert server.last.body["model"] == "large/1"
    assert server.last.headers["authorization"] == "Bearer k-acme-0001"


def test_a_provider(install: Install) -> None:
    code = (
        "from cellmage.providers.scripted import ScriptedProvider\n"
        "make = lambda name: ScriptedProvider([name])"
    )
    install(code, "acme = acme_models:make")
    assert Conversation().ask("hi", model="acme/large").text == "large"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("ENDPOINT = 3", "neither an Endpoint nor a function"),
        ("", "AttributeError"),
    ],
)
def test_one_that_cannot_be_used(install: Install, code: str, why: str) -> None:
    install(code, "acme = acme_models:ENDPOINT")
    with pytest.raises(ConfigError, match=why):
        Conversation().ask("hi", model="acme/large")
