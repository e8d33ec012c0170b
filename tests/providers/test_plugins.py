"""Endpoints and providers of other packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellmage import ConfigError, Conversation
from cellmage.providers.plugins import load_plugin
from cellmage.testing import ScriptedServer

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package with one entry point into a folder of Python's search path."""

    def install(code: str, entry_point: str) -> None:
        metadata = tmp_path / "acme-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[cellmage.providers]\n{entry_point}\n")
        (tmp_path / "acme_models.py").write_text(code)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    sys.modules.pop("acme_models", None)


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
        "from cellmage.testing import ScriptedProvider\n"
        "make = lambda name: ScriptedProvider([name])"
    )
    install(code, "acme = acme_models:make")
    assert Conversation().ask("hi", model="acme/large").text == "large"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("ENDPOINT = 3", "neither an Endpoint nor a function"),
        ("", "AttributeError"),
    ],
)
def test_one_that_cannot_be_used(install: Install, code: str, problem: str) -> None:
    install(code, "acme = acme_models:ENDPOINT")
    with pytest.raises(ConfigError, match=problem):
        Conversation().ask("hi", model="acme/large")


@pytest.mark.parametrize("line", ["nonsense", "= y", "x =", "[", "\x00", "a = b\nnonsense"])
def test_damaged_metadata_takes_no_model_away(install: Install, line: str) -> None:
    install("", line)
    assert load_plugin("acme") is None
