"""Several answers at once, over real HTTP: they do not wait for each other, and one is kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cellmage import (
    CellmageError,
    Comparison,
    Conversation,
    Options,
    Request,
    Token,
    UsageError,
    register_provider,
)
from cellmage.markdown.fences import close_fences
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish


def reply(exchange: Exchange) -> Reply:
    """A slow answer, a quick one, and one that is cut."""
    slow = [step for word in ("one ", "two ", "three") for step in (chunk(word), 0.2)]
    return {
        "slow": Reply([*slow, finish(), DONE]),
        "quick": Reply(answer("Quick.", 2)),
        "cut": Reply([chunk("Half")], end="reset"),
        "held": Reply([chunk("Held")], end="hang"),
    }[exchange.body["model"]]


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    server.play_with(reply)
    return Conversation(Options(base_url=server.url))


def test_answers_do_not_wait_for_each_other(chat: Conversation) -> None:
    both = chat.compare("Go", ["slow", "quick"])
    texts = [(index, event.text) for index, event in both if isinstance(event, Token)]
    assert sorted(texts, key=lambda pair: pair[0]) == [
        (0, "one "), (0, "two "), (0, "three"), (1, "Qu"), (1, "ic"), (1, "k.")
    ]  # fmt: skip
    assert texts.index((1, "k.")) < texts.index((0, "three"))
    assert [response.text for response in both.responses] == ["one two three", "Quick."]


def test_async_for(chat: Conversation) -> None:
    async def gather() -> list[int]:
        return [index async for index, _ in chat.compare("Go", ["slow", "quick"])]

    assert set(asyncio.run(gather())) == {0, 1}
    assert chat.turns[0].response.text == "one two three"


@pytest.mark.parametrize(("select", "text"), [(None, "one two three"), ("quick", "Quick.")])
def test_one_answer_becomes_the_turn(
    chat: Conversation, server: ScriptedServer, select: str | None, text: str
) -> None:
    chat.ask("Before", model="quick")
    server.exchanges.clear()
    list(chat.compare("Go", ["slow", "quick"], select=select))
    assert [turn.response.text for turn in chat.turns] == ["Quick.", text]
    assert all(len(exchange.messages) == 3 for exchange in server.exchanges)


def test_a_failure_does_not_end_the_others(chat: Conversation) -> None:
    three = chat.compare("Go", ["cut", "quick", "slow"], select="slow")
    list(three)
    assert {index: type(error).__name__ for index, error in three.errors.items()} == {
        0: "IncompleteResponseError"
    }
    assert [response.text for response in three.responses] == ["Half", "Quick.", "one two three"]
    assert [response.incomplete_reason for response in three.responses] == [
        "connection_lost",
        None,
        None,
    ]
    assert len(chat.turns) == 1


def test_closing_closes_all(chat: Conversation, server: ScriptedServer) -> None:
    both = chat.compare("Go", ["held", "slow"])
    threading.Timer(0.3, both.close).start()
    started = time.monotonic()
    list(both)
    assert time.monotonic() - started < 10
    assert [response.incomplete_reason for response in both.responses] == ["closed", "closed"]
    assert all(exchange.finished.wait(20) for exchange in server.exchanges)


def test_leaving_closes_all(chat: Conversation, server: ScriptedServer) -> None:
    both: Comparison = chat.compare("Go", ["held", "slow"])
    for _, event in both:
        if isinstance(event, Token) and event.text == "Held":
            break
    del _, event
    assert all(exchange.finished.wait(20) for exchange in server.exchanges)
    assert chat.turns[0].response.text == "Held"


def test_a_provider_that_cancels_itself(chat: Conversation) -> None:
    async def gives_up(request: Request) -> AsyncIterator[str]:
        yield "so far"
        raise asyncio.CancelledError

    register_provider(gives_up, name="gives-up")
    both = chat.compare("Go", ["gives-up", "slow"])
    list(both)
    assert [response.text for response in both.responses] == ["so far", "one two three"]
    assert "cancelled from within" in str(both.errors[0])
    with pytest.raises(CellmageError, match="cancelled from within"):
        chat.ask("Go", model="gives-up")


@pytest.mark.parametrize("models", [[], ["quick"], ["quick", "quick"]])
def test_several_are_needed(chat: Conversation, models: list[str]) -> None:
    with pytest.raises(UsageError, match="several models"):
        chat.compare("Go", models)


def test_the_selected_model_must_be_compared(chat: Conversation) -> None:
    with pytest.raises(UsageError, match="slow cannot be selected"):
        chat.compare("Go", ["quick", "cut"], select="slow")


MARKS = st.sampled_from(["```", "~~~~", "````py", "- ", "> ", "x", "   ", "1. ", "`", "~"])


@given(st.lists(st.tuples(st.lists(MARKS, max_size=3), st.sampled_from(["\n", "\n\n"]))))
def test_an_open_fence_does_not_swallow_the_next_answer(lines: list[tuple[list[str], str]]) -> None:
    text = "".join("".join(marks) + end for marks, end in lines)
    html = MarkdownIt("commonmark").render(f"{close_fences(text)}\n\n<b></b>\n")
    assert html.rstrip().endswith("<p><b></b></p>")
    assert close_fences(text).startswith(text)
