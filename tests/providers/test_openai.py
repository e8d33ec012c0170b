"""The provider over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
import weakref
from typing import Any

import openai
import pytest

from cellmage import (
    ConfigError,
    ConnectError,
    Conversation,
    HTTPStatusError,
    IncompleteResponseError,
    Options,
    ProtocolError,
    ProviderError,
    Usage,
)
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, sse, usage


def test_what_is_sent(connected: ScriptedServer) -> None:
    chat = Conversation(Options(system="Be brief"))
    chat.ask("one", model="m", temperature=0.5, max_tokens=9, extra_body={"top_p": 0.1, "x": [1]})
    sent = connected.last
    assert sent.path == "/v1/chat/completions"
    assert sent.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "one"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
        "top_p": 0.1,
        "x": [1],
    }


def test_only_what_a_server_needs_is_in_the_headers(
    connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    Conversation().ask("hi")
    headers = connected.last.headers
    assert headers["authorization"] == "Bearer sk-test-0000"
    assert "secret" not in str(headers)
    assert not [name for name in headers if "stainless" in name and "raw" not in name]


def test_the_key_goes_only_to_its_host(connected: ScriptedServer) -> None:
    with ScriptedServer() as other:
        Conversation().ask("hi", base_url=other.url)
        assert other.last.headers["authorization"] == "Bearer none"


def test_usage_and_reasoning(connected: ScriptedServer) -> None:
    connected.play(chunk(reasoning_content="hm"), chunk("Hi"), finish("stop"), usage(3, 4), DONE)
    response = Conversation().ask("hi")
    assert (response.text, response.reasoning, response.usage) == ("Hi", "hm", Usage(3, 4))
    assert response.finish_reason == "stop"
    assert response.incomplete_reason is None
    connected.play(*answer("Hi"))
    assert Conversation().ask("hi").usage is None


def test_one_client_for_an_event_loop(
    connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of one loop share a client; a loop that is closed is not kept."""
    make_client = openai.DefaultAsyncHttpxClient
    clients: list[weakref.ref[Any]] = []

    def count_client(**options: Any) -> Any:
        client = make_client(**options)
        clients.append(weakref.ref(client))
        return client

    async def ask_twice() -> weakref.ref[asyncio.AbstractEventLoop]:
        await asyncio.gather(*(drain(Conversation()) for _ in range(2)))
        return weakref.ref(asyncio.get_running_loop())

    async def drain(chat: Conversation) -> None:
        async for _ in chat.astream("hi"):
            pass

    Conversation().ask("hi")  # the background loop has its client now
    monkeypatch.setattr(openai, "DefaultAsyncHttpxClient", count_client)
    loops = [asyncio.run(ask_twice()) for _ in range(3)]
    assert len(clients) == 3
    Conversation().ask("hi")
    gc.collect()
    assert [reference() for reference in (*loops, *clients)] == [None] * 6


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "bad_request"), (401, "auth"), (402, "quota"), (403, "permission"), (404, "not_found"),
     (408, "server"), (422, "bad_request"), (429, "rate_limited"), (500, "server"),
     (529, "server")],
)  # fmt: skip
def test_http_errors(connected: ScriptedServer, status: int, kind: str) -> None:
    connected.play(
        b'{"error": {"message": "told\\nso"}}',
        status=status,
        content_type="application/json",
        headers={"x-request-id": "req-7", "x-should-retry": "false"},
    )
    with pytest.raises(HTTPStatusError, match=rf"\(HTTP {status}\): told so") as caught:
        Conversation().ask("hi", model="m")
    error = caught.value
    assert (error.kind, error.model, error.request_id) == (kind, "m", "req-7")
    assert error.host == f"127.0.0.1:{connected.port}"
    assert "req-7" not in str(error)
    assert "sk-test" not in str(error)
    assert len([exchange for exchange in connected.exchanges if exchange.body]) == 1


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("This model's maximum context length is 8192 tokens. However, …", "context_overflow"),
        ("prompt is too long: 210000 tokens > 200000 maximum", "context_overflow"),
        ("The input token count (1200000) exceeds the maximum number …", "context_overflow"),
        ("the request exceeds the available context size (4096 tokens)", "context_overflow"),
        ("Please reduce the length of the messages or completion.", "context_overflow"),
        ("litellm.ContextWindowExceededError: …", "context_overflow"),
        ("max_tokens is too large: 20000. This model supports at most 16384", "bad_request"),
    ],
)
def test_a_conversation_is_too_long(connected: ScriptedServer, message: str, kind: str) -> None:
    """Each provider has its own words; most send no code."""
    body = json.dumps({"error": {"message": message}}).encode()
    connected.play(body, status=400, content_type="application/json")
    with pytest.raises(HTTPStatusError) as caught:
        Conversation().ask("hi")
    assert caught.value.kind == kind


def test_redirects_are_not_followed(connected: ScriptedServer) -> None:
    with ScriptedServer() as other:
        connected.play(status=307, headers={"location": other.url})
        with pytest.raises(HTTPStatusError) as caught:
            Conversation().ask("hi")
        assert caught.value.kind == "redirect"
        assert not other.exchanges


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectError) as caught:
        Conversation().ask("hi", model="m", base_url="http://127.0.0.1:9/v1")
    assert caught.value.kind == "connect"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("end", ["truncate", "reset"])
def test_cut(connected: ScriptedServer, end: str) -> None:
    connected.play(chunk("Hel"), chunk("lo"), 0.05, end=end)
    chat = Conversation()
    with pytest.raises(IncompleteResponseError) as caught:
        chat.ask("hi")
    assert caught.value.kind == "connection_lost"
    assert caught.value.text == "Hello"
    assert chat.turns[0].state == "partial"


@pytest.mark.parametrize("end", ["truncate", "reset", "hang"])
def test_complete_once_the_model_has_finished(connected: ScriptedServer, end: str) -> None:
    connected.play(chunk("Hello"), finish(), 0.05, end=end)
    started_at = time.monotonic()
    response = Conversation().ask("hi")
    assert (response.text, response.incomplete_reason) == ("Hello", None)
    assert time.monotonic() - started_at < 10
    assert connected.last.finished.wait(20)


def test_a_web_page_is_no_answer(connected: ScriptedServer) -> None:
    connected.play(b"<html><body>Log in</body></html>", content_type="text/html")
    with pytest.raises(ProtocolError, match="does the base URL end in /v1") as caught:
        Conversation().ask("hi")
    assert caught.value.kind == "not_a_stream"


def test_a_key_that_is_sent_back_is_not_shown(connected: ScriptedServer) -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-test-0000."}}'
    connected.play(body, status=401, content_type="application/json")
    with pytest.raises(HTTPStatusError, match="provided: …") as caught:
        Conversation().ask("hi")
    assert "sk-test" not in repr(vars(caught.value)) + repr(caught.value)
    blocked = sse({"error": "key sk-test-0000 is blocked"})
    connected.play(chunk("a"), blocked, headers={"x-request-id": "r1"})
    with pytest.raises(ProviderError, match="key … is blocked") as blocked_key:
        Conversation().ask("hi")
    assert blocked_key.value.request_id == "r1"
    connected.play(chunk("a"), b"data: no JSON, and no place for sk-test-0000\n\n")
    with pytest.raises(ProtocolError, match="not JSON") as no_json:
        Conversation().ask("hi")
    assert (no_json.value.__context__, no_json.value.__cause__) == (None, None)


def test_no_key_was_sent(connected: ScriptedServer) -> None:
    with ScriptedServer() as other:
        other.play(status=401)
        with pytest.raises(
            HTTPStatusError, match="wants a key, and none was sent: set OPENAI"
        ) as e:
            Conversation().ask("hi", base_url=other.url)
        assert "refused" not in str(e.value) + e.value.short


def test_bad_json_keeps_the_text(connected: ScriptedServer) -> None:
    connected.play(chunk("Hel"), sse("{nonsense"))
    with pytest.raises(ProtocolError, match="not JSON") as caught:
        Conversation().ask("hi", model="m")
    assert caught.value.text == "Hel"
    assert str(caught.value).startswith(f"m at 127.0.0.1:{connected.port}: ")


def test_gzip_is_read(connected: ScriptedServer) -> None:
    import gzip  # noqa: PLC0415

    body = gzip.compress(chunk("Hello") + finish() + DONE)
    connected.play(body[:20], 0.02, body[20:], headers={"content-encoding": "gzip"})
    assert Conversation().ask("hi").text == "Hello"


def test_lone_surrogates_are_sendable(connected: ScriptedServer) -> None:
    Conversation().ask("a\ud800b")
    assert connected.last.messages == [("user", "a�b")]


@pytest.mark.parametrize("key", ["sk-é", "sk-\n1"])
def test_a_value_that_cannot_be_a_key(
    connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError) as caught:
        Conversation().ask("hi")
    assert key.strip() not in str(caught.value)
    assert not connected.exchanges


def test_answers_side_by_side_stay_apart(connected: ScriptedServer) -> None:
    def slowly(exchange):  # type: ignore[no-untyped-def]
        word = exchange.messages[-1][1]
        return Reply([step for _ in range(10) for step in (chunk(word), 0.01)] + [finish(), DONE])

    connected.play_with(slowly)
    streams = [iter(Conversation().stream(word)) for word in "abc"]
    texts = ["", "", ""]
    for _ in range(10):
        for n, stream in enumerate(streams):
            texts[n] += next(stream, "")
    assert texts == ["a" * 10, "b" * 10, "c" * 10]


@pytest.mark.parametrize("reader", ["sync", "async"])
def test_connections_are_reused(connected: ScriptedServer, reader: str) -> None:
    """Also after an error; and a server that has closed an idle connection is asked again."""
    chat = Conversation(Options(model="m"))

    async def ask_all() -> None:
        for _ in range(5):
            async for _ in chat.astream("hi"):
                pass

    if reader == "async":
        asyncio.run(ask_all())
    else:
        for _ in range(5):
            chat.ask("hi")
    assert connected.connections == 1


def test_a_reused_connection_that_the_server_closes(connected: ScriptedServer) -> None:
    chat = Conversation(Options(model="m"))
    answers = iter([Reply(answer("one")), Reply(transfer="none"), Reply(answer("two"))])
    connected.play_with(lambda exchange: next(answers))
    assert [chat.ask("hi").text for _ in range(2)] == ["one", "two"]
    assert (len(connected.exchanges), connected.connections) == (3, 2)


ASK_IN_A_NEW_PROCESS = """
import asyncio, sys, threading
imports = []
sys.addaudithook(lambda event, args: imports.append(args[0]) if event == "import"
                 and threading.current_thread() is threading.main_thread() else None)
from cellmage import Conversation, Options

async def ask(url):
    del imports[:]
    for query in ("one", "two", "three"):
        try:
            async for text in Conversation(Options(model="m", base_url=url)).astream(query):
                if query == "three":
                    break
        except Exception:
            pass

asyncio.run(ask(sys.argv[1]))
packages = {name.partition(".")[0] for name in imports}
heavy = packages & {"openai", "httpx", "keyring", "anyio", "ssl"}
print(sorted(heavy), [name for name in imports if name.startswith("cellmage.providers")])
Conversation(Options(model="m", base_url=sys.argv[1])).ask("four")
"""


def test_a_new_process_imports_on_a_thread_and_closes_its_connections(
    server: ScriptedServer,
) -> None:
    """No import holds up the user's event loop, and nothing is left open at the end."""
    busy = Reply([b'{"error": {"message": "busy"}}'], status=400, content_type="application/json")
    server.play_with(
        lambda exchange: busy if "one" in str(exchange.body) else Reply(answer("one two", 3))
    )
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", ASK_IN_A_NEW_PROCESS, server.url]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (run.stdout, run.stderr) == ("[] []\n", "")


ASK_AT_ONCE = """
import asyncio, sys
from cellmage import Conversation, Options

async def main():
    chat = Conversation(Options(model="m", base_url=sys.argv[1]))
    both = await asyncio.gather(*(chat.aask("Hi", history="ignore") for _ in range(5)))
    print([response.text for response in both])

asyncio.run(main())
"""


def test_several_first_questions_at_once(server: ScriptedServer) -> None:
    """All but one find the client's module while a thread is importing it."""
    server.play_with(lambda exchange: Reply(answer("one")))
    command = [sys.executable, "-c", ASK_AT_ONCE, server.url]
    environ = os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env=environ
    )
    assert run.stdout == f"{['one'] * 5}\n"
