"""``python -m cellmage doctor``: what it says, and that it shows no secret."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellmage import Conversation, Options
from cellmage.conversation.store import ConversationScope, Store, default_path
from cellmage.conversation.store.state import read_state
from cellmage.doctor.checks import Line
from cellmage.doctor.report import CHECKS, report_lines, run_doctor
from cellmage.errors import ConfigError
from cellmage.providers.endpoints import ENDPOINTS
from cellmage.providers.keystore import key_file_path
from cellmage.testing import ScriptedServer

KEY = "q7Zw-planted-key-0123456789"
VARIABLES = sorted({each.api_key_variable or "" for each in ENDPOINTS.values()} - {""})


def report(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert run_doctor(list(flags)) == 0
    return capsys.readouterr().out


def write_key_file(text: str, mode: int = 0o600) -> Path:
    path = key_file_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_fresh_machine(capsys: pytest.CaptureFixture[str]) -> None:
    text = report(capsys)
    assert [line for line in text.splitlines() if line[0] != " "] == list(CHECKS)
    assert "not there yet" in text
    assert "hosts" not in text.splitlines()
    assert not default_path().exists()


def test_no_planted_key_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    for name in [*VARIABLES, "CELLMAGE_SERVE_KEY", "HTTPS_PROXY_PASSWORD", "JPY_SESSION_NAME"]:
        monkeypatch.setenv(name, KEY)
    port = server.url.rsplit(":", 1)[1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("http_proxy", f"http://me:{KEY}@127.0.0.1:9")
    write_key_file(f"GROQ_API_KEY={KEY}\nllm.example.org: {KEY}\n{KEY}\nNAME={KEY} {KEY}\n")
    text = report(capsys)
    assert KEY not in text
    assert KEY[-4:] not in text
    assert "GROQ_API_KEY, llm.example.org" in text
    assert "OPENAI_BASE_URL, HTTP_PROXY, CELLMAGE_SERVE_KEY" in text
    assert ", ".join(VARIABLES) in text


@pytest.mark.parametrize(
    "base_url", [f"https://me:{KEY}@h.example/v1", f"https://h.example/v1?key={KEY}", f"x{KEY}"]
)
def test_a_key_in_an_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    assert KEY not in report(capsys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.from_regex(r"[!#-&(-~]{8,40}", fullmatch=True))
def test_any_key_that_comes_into_a_line_is_hidden(key: str) -> None:
    def check() -> Iterator[Line]:
        yield "line", f"before {key} after"

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "GROQ_API_KEY", f"({key})")
        (_, line) = report_lines({"title": check})
    assert f"({key})" not in line


def test_a_check_that_fails_says_so_in_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    write_key_file(f"GROQ_API_KEY={KEY}", mode=0o644)
    text = report(capsys)
    assert "problem           others can read the keys in" in text
    assert "stored conversations" in text
    assert KEY not in text


def test_an_error_of_any_check() -> None:
    def check() -> Iterator[Line]:
        yield "first", "lost"
        raise ConfigError(f"the key sk-{'a' * 30} is wrong, in {Path.home()}/x")

    title, line = report_lines({"title": check})
    assert title == "title"
    assert line.split(maxsplit=1) == ["problem", "the key …aaaa is wrong, in ~/x"]


def test_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store()
    chat = Conversation(
        Options(model="offline/echo"), journal=store.journal(ConversationScope("/a.ipynb", "/"))
    )
    chat.ask("private words")
    store.close()
    text = report(capsys)
    assert "1 conversations, 1 turns" in text
    assert "integrity         ok" in text
    assert "private words" not in text


def test_a_damaged_store(capsys: pytest.CaptureFixture[str]) -> None:
    default_path().parent.mkdir(parents=True)
    default_path().write_bytes(b"no database" * 1000)
    assert "it cannot be read (file is not a database)" in report(capsys)
    assert default_path().read_bytes() == b"no database" * 1000


def test_a_newer_store(tmp_path: Path) -> None:
    path = tmp_path / "a store%20.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE conversations (id)")
        connection.execute("CREATE TABLE turns (id)")
    connection.close()
    state = read_state(path)
    assert state is not None
    assert (state.version, state.integrity, state.turns) == (99, "ok", 0)


def test_hosts_are_tried_on_request_without_a_key(
    capsys: pytest.CaptureFixture[str], connected: ScriptedServer
) -> None:
    connected.play(status=401, content_type="application/json")
    lines = report(capsys, "--hosts").splitlines()
    hosts = [line.split(maxsplit=1) for line in lines[lines.index("hosts") + 1 :]]
    assert hosts[0][1] == "reached"
    assert all(text.startswith(("reached", "not reached")) for _, text in hosts)
