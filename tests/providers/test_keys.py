"""Keys are sent to their host, and appear nowhere else."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from cellmage import CellmageError, Conversation, Options
from cellmage.providers.keys import Key
from cellmage.providers.registry import resolve_model
from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel

# Fakes of the shapes that providers give out.
SECRETS = [
    "sk-test-" + "0" * 40, "sk-proj-" + "TEST" * 10, "sk-ant-test-" + "x" * 30,
    "AIza" + "TEST" * 8 + "abc", "gsk_" + "test" * 12, "hf_" + "Test" * 8,
    "0123456789abcdef0123456789abcdef",
]  # fmt: skip


def echoing(secret: str) -> Reply:
    """A server that sends the key back in its error."""
    body = b'{"error": {"message": "bad key %s"}}' % secret.encode()
    return Reply([body], status=401, content_type="application/json")


def everything_visible(value: Any) -> str:
    attributes = vars(value) if hasattr(value, "__dict__") else ""
    return f"{value!r} {value!s} {attributes!r}"


@pytest.mark.parametrize("secret", SECRETS)
def test_in_python(
    connected: ScriptedServer,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    caplog.set_level(logging.DEBUG)
    provider = resolve_model(Options(model="m")).provider
    chat = Conversation(Options(model="m"))
    stream = chat.stream("hi")
    assert "".join(stream) == "ok"
    assert connected.last.headers["authorization"] == f"Bearer {secret}"
    connected.play_with(lambda exchange: echoing(secret))
    with pytest.raises(CellmageError) as caught:
        chat.ask("again")
    values = (provider, chat, stream, stream.response, caught.value)
    visible = [everything_visible(value) for value in values]
    assert secret not in "".join([*visible, str(pickle.dumps(caught.value)), caplog.text])


@pytest.mark.parametrize("secret", SECRETS)
def test_in_a_cell(kernel: Kernel, server: ScriptedServer, secret: str) -> None:
    kernel.run(f"import os; os.environ['OPENAI_API_KEY'] = {secret!r}")
    server.play_with(lambda exchange: echoing(secret))
    runs = [kernel.run(f"%xmode {mode}\n%llm -m m hi") for mode in ("Plain", "Context", "Verbose")]
    server.play(*answer("ok"))
    runs += [kernel.run(code) for code in ("%llm -m m hi", "%llm_config", "%llm_history", "_llm")]
    kernel.run("%xmode Context")
    messages = [str(message.content) for run in runs for message in run.messages]
    assert runs[0].error.startswith("HTTPStatusError")
    assert secret not in "".join(messages)


def test_a_configured_key_is_not_sent_to_a_model(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("import os; secret = os.environ['OPENAI_API_KEY'] = 'sk-test-in-a-variable-0001'")
    run = kernel.run("%%llm -m m\nWhy does {{ secret }} not work?")
    assert run.error == "UsageError: the prompt holds the key in OPENAI_API_KEY; nothing was sent"
    assert not server.exchanges


def test_a_key_that_is_set_in_the_notebook(offline: Kernel, server: ScriptedServer) -> None:
    offline.run(f"import os; os.environ['OPENAI_BASE_URL'] = '{server.url}'")
    offline.run("%llm -m m hi")
    assert server.last.headers["authorization"] == "Bearer none"
    for key in ("sk-test-0001", "sk-test-0002"):
        offline.run(f"os.environ['OPENAI_API_KEY'] = '\"{key}\" '")
        assert offline.run("%llm -m m hi").texts == ["ok"]
        assert server.last.headers["authorization"] == f"Bearer {key}"


def test_a_key_on_a_magic_line_is_refused(kernel: Kernel, server: ScriptedServer) -> None:
    run = kernel.run("%llm --api-key sk-test-0000000000000000 hi")
    assert "a key does not belong in a notebook" in run.error
    assert "0000" not in run.error
    assert not server.exchanges


def test_a_key_in_a_cell_is_warned_of(kernel: Kernel) -> None:
    run = kernel.run("%%llm -m offline/echo\nIs sk-abcdefghijklmnop1234 a good key?", "c1")
    assert run.printed == (
        "This cell contains what looks like a key, and the notebook saves it: remove it.\n"
    )
    notice = "(The request contains what looks like a key (…1234): only its end is sent.)"
    assert run.texts == ["Is …1234 a good key?", notice]
    run = kernel.run("key = 'sk-abcdefghijklmnop1234'\n%llm -m offline/echo Is {{ key }} a key?")
    assert "This cell contains" not in run.printed
    assert run.texts == ["Is …1234 a key?", f"{notice}\n(Inserted: key.)"]


def test_a_key_shows_its_end_and_is_not_pickled() -> None:
    assert str(Key("k3y")) == "…"
    with pytest.raises(TypeError):
        pickle.dumps(Key("sk-test-0000001234"))


def test_a_key_with_an_impossible_character(connected: ScriptedServer, monkeypatch: Any) -> None:
    for secret in ("sk-test-new\nline", "sk-test-\u00e9", '"sk-test-quote'):
        monkeypatch.setenv("OPENAI_API_KEY", secret)
        with pytest.raises(CellmageError, match="at position") as caught:
            Conversation().ask("hi")
        assert "sk-test" not in str(caught.value)
    assert not connected.exchanges
