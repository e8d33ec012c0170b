"""Our own endpoint, asked by the openai SDK."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import httpx2
import openai
import pytest
import uvicorn

from cellmage import Conversation, Options
from cellmage.serving import app
from tests.server import ScriptedServer, answer, chunk


@pytest.fixture
def address(connected: ScriptedServer) -> Iterator[str]:
    """Where our endpoint is; the scripted server is behind it."""
    config = uvicorn.Config(app(Options(model="m")), port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as made:
        yield made


def ask(client: openai.OpenAI, stream: bool, model: str = "default") -> list[str]:
    chunks = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hi there"}], stream=True
    )
    return [each.choices[0].delta.content or "" for each in chunks]


def test_streamed(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("One two **three**.", 4))
    pieces = ask(client, stream=True)
    assert "".join(pieces) == "One two **three**."
    assert len(pieces) > 4
    assert connected.last.messages == [("user", "hi there")]


def test_whole(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(
        model="offline/echo", messages=[{"role": "user", "content": "hi there"}]
    )
    assert whole.choices[0].message.content == "hi there"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0


def test_our_own_client(address: str) -> None:
    chat = Conversation(Options(model="offline/tour", base_url=address))
    response = chat.ask("hi")
    assert (response.finish_reason, response.partial) == ("stop", None)
    assert response.usage is not None
    assert "> hi" in response.text


def test_it_streams_and_leaving_closes(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    chunks = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert next(each for each in chunks if each.choices[0].delta.content)
    chunks.close()
    assert connected.last.over.wait(5)


@pytest.mark.parametrize(
    ("status", "raised"),
    [(401, openai.AuthenticationError), (404, openai.NotFoundError), (400, openai.BadRequestError),
     (418, openai.BadRequestError)],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_failures_before_the_first_word(
    client: openai.OpenAI, connected: ScriptedServer, status: int, raised: type, stream: bool
) -> None:
    connected.play(status=status, content_type="application/json")
    with pytest.raises(raised):
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=stream
        )


def test_a_failure_after_the_first_word(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(openai.APIError, match=r"broke|lost|closed|connection"):
        ask(client, stream=True)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"messages": []}', b'{"messages": [{"role": "user"}]}',
     b'{"messages": [{"role": "user", "content": "hi"}], "temperature": 9}',
     b'{"messages": [{"role": "assistant", "content": "hi"}]}', b'{"messages": [5]}',
     b'{"model": "offline/none", "messages": [{"role": "user", "content": "hi"}]}'],
)  # fmt: skip
def test_bad_requests(address: str, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    reply = httpx2.post(f"{address}/chat/completions", content=body, headers=kind)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


def test_web_pages_are_refused(address: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}]})
    plain = httpx2.post(f"{address}/chat/completions", content=body)
    assert plain.status_code == 400
    rebound = {"host": "evil.example", "content-type": "application/json"}
    other = httpx2.post(f"{address}/chat/completions", content=body, headers=rebound)
    assert (other.status_code, other.text) == (400, "Invalid host header")


def test_two_hundred_at_once(address: str) -> None:
    """All complete, and each in its own order."""

    async def ask(client: openai.AsyncOpenAI, number: int) -> bool:
        text = " ".join(f"{number}.{n}" for n in range(20))
        chunks = await client.chat.completions.create(
            model="offline/echo", messages=[{"role": "user", "content": text}], stream=True
        )
        got = [each.choices[0].delta.content or "" async for each in chunks]
        return "".join(got) == text

    async def all_of_them() -> list[bool]:
        async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(200)))

    assert asyncio.run(all_of_them()) == [True] * 200
