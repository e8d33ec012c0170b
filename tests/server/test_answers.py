"""Answers of our endpoint, as the openai SDK reads them."""

from __future__ import annotations

import asyncio

import httpx2
import openai
import pytest

from cellmage import Conversation, Options
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish


def ask(client: openai.OpenAI, is_streamed: bool, model: str = "default") -> list[str]:
    """Return the pieces of an answer; a complete one is one piece."""
    completions = client.chat.completions
    if is_streamed:
        chunks = completions.create(
            model=model, messages=[{"role": "user", "content": "hi there"}], stream=True
        )
        return [chunk.choices[0].delta.content or "" for chunk in chunks]
    completion = completions.create(
        model=model, messages=[{"role": "user", "content": "hi there"}], stream=False
    )
    return [completion.choices[0].message.content or ""]


def test_streamed(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("One two **three**.", 4))
    pieces = ask(client, is_streamed=True)
    assert "".join(pieces) == "One two **three**."
    assert len(pieces) > 4
    assert connected.last.messages == [("user", "hi there")]


def test_not_streamed(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("One two **three**.", 4))
    assert ask(client, is_streamed=False) == ["One two **three**."]
    assert connected.last.messages == [("user", "hi there")]


def test_a_completion(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="offline/echo", messages=[{"role": "user", "content": "hi there"}]
    )
    assert completion.choices[0].message.content == "hi there"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens > 0


def test_our_own_client(address: str) -> None:
    chat = Conversation(Options(model="offline/tour", base_url=address))
    response = chat.ask("hi")
    assert (response.finish_reason, response.incomplete_reason) == ("stop", None)
    assert response.usage is not None
    assert "> hi" in response.text


def test_it_streams_and_leaving_closes(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    chunks = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert next(chunk for chunk in chunks if chunk.choices[0].delta.content)
    chunks.close()
    assert connected.last.finished.wait(5)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (404, openai.NotFoundError), (400, openai.BadRequestError),
     (418, openai.BadRequestError)],
)  # fmt: skip
@pytest.mark.parametrize("is_streamed", [False, True])
def test_failures_before_the_first_token(
    client: openai.OpenAI, connected: ScriptedServer, status: int, error: type, is_streamed: bool
) -> None:
    connected.play(status=status, content_type="application/json")
    with pytest.raises(error):
        ask(client, is_streamed)


def test_a_failure_after_the_first_token(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(openai.APIError, match=r"broke|lost|closed|connection"):
        ask(client, is_streamed=True)


def test_a_failure_after_the_first_token_that_is_not_streamed(
    client: openai.OpenAI, connected: ScriptedServer
) -> None:
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(openai.InternalServerError, match="502"):
        ask(client, is_streamed=False)


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_client_that_leaves_before_the_first_token(
    address: str, connected: ScriptedServer, is_streamed: bool
) -> None:
    connected.play(end="hang")
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": is_streamed}
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{address}/chat/completions", json=body, timeout=0.5)
    assert connected.last.finished.wait(20), "the connection to the model is closed"


@pytest.mark.slow
def test_two_hundred_at_once(address: str) -> None:
    """All are complete, and each has its own text."""

    async def ask(client: openai.AsyncOpenAI, index: int) -> bool:
        text = " ".join(f"{index}.{n}" for n in range(20))
        chunks = await client.chat.completions.create(
            model="offline/echo", messages=[{"role": "user", "content": text}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in chunks]
        return "".join(pieces) == text

    async def ask_all() -> list[bool]:
        async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(ask(client, index) for index in range(200)))

    assert asyncio.run(ask_all()) == [True] * 200


def test_reasoning_before_a_lone_end_tag(client: openai.OpenAI, connected: ScriptedServer) -> None:
    """A client that has the text already reads the tag; a complete answer has none."""
    connected.play(*map(chunk, ("hm", " so", "</think>\n\nHel", "lo")), finish(), DONE)
    assert "".join(ask(client, is_streamed=True)) == "hm so</think>\n\nHello"
    assert ask(client, is_streamed=False) == ["Hello"]
