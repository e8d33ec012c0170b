"""An answer that cannot be used, and what the model is asked then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from cellmage import Conversation, Options
from cellmage.events import (
    Complete,
    Event,
    Notice,
    ProviderState,
    Reclassification,
    Start,
    Token,
    ToolCall,
)
from cellmage.messages import Message, Request, Usage
from cellmage.pipeline.repair import Repair, repair_answer
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call

REQUEST = Request((Message("user", "Go"),), Options())
BAD = ProviderState("chat", '{"reasoning_content": "bad"}')
GOOD = ProviderState("chat", '{"reasoning_content": "good"}')


def check(text: str) -> str:
    return "" if text == "good" else f"{text} is not good"


async def play(*answers: list[Event]) -> tuple[list[Event], list[Request]]:
    """Return the events of a repaired answer, and the requests."""
    requests: list[Request] = []

    async def ask(request: Request) -> AsyncGenerator[Event, None]:
        requests.append(request)
        for event in answers[len(requests) - 1]:
            yield event

    return [event async for event in repair_answer(check, ask, REQUEST)], requests


def run(*answers: list[Event]) -> tuple[list[Event], list[Request]]:
    return asyncio.run(play(*answers))


def test_a_good_answer_is_as_it_was() -> None:
    events = [Start("m", "p"), Token("go"), Token("od"), GOOD, Complete("stop", Usage(1, 2))]
    assert run(events) == (events, [REQUEST])


def test_a_bad_answer_is_asked_for_again() -> None:
    first = [Start("m", "p"), Token("b"), Token("ad"), BAD, Complete("stop", Usage(1, 2))]
    second = [Start("m", "p"), Token("good"), GOOD, Complete("stop", Usage(3, 4))]
    events, requests = run(first, second)
    assert events[:4] == [Start("m", "p"), Token("b"), Token("ad"), Reclassification("bad")]
    notice = Notice("repair", "The model was asked twice: bad is not good")
    assert events[5:] == [Token("good"), GOOD, notice, Complete("stop", Usage(4, 6))]
    question, bad, problem = requests[1].messages
    assert (question.content, bad, problem.role) == ("Go", Message("assistant", "bad"), "user")
    assert "bad is not good" in problem.content


def test_a_second_answer_is_not_checked() -> None:
    bad: list[Event] = [Token("bad"), Complete("stop")]
    events, requests = run(bad, bad)
    assert (len(requests), events[-1]) == (2, Complete("stop"))


@pytest.mark.parametrize(
    "events",
    [
        [Token("bad"), Complete("length")],
        [Complete("stop")],
        [Token("hm"), Reclassification("hm"), Token("good"), Complete("stop")],
        [Token("Let me see."), BAD, ToolCall("a", "f", "{}"), Token("good"), Complete("stop")],
        [Token("bad")],
    ],
    ids=["cut", "empty", "reasoning", "tools", "without an end"],
)
def test_what_is_not_asked_again(events: list[Event]) -> None:
    assert run(events) == (events, [REQUEST])


def test_after_tools(server: ScriptedServer) -> None:
    """The text after the last call counts; the text before it stays."""
    replies = [
        Reply([chunk("Let me see."), tool_call("f", "{}"), finish("tool_calls"), DONE]),
        Reply(answer("bad")),
        Reply(answer("good")),
    ]
    server.play_each(replies)
    ran: list[int] = []

    def f() -> str:
        """Count."""
        ran.append(1)
        return "ok"

    chat = Conversation(Options(model="m", base_url=server.url))
    response = chat.ask("Go", tools=[f], approve="always", check=check)
    assert (response.text, response.final_text, ran) == ("Let me see.good", "good", [1])
    assert len(chat.turns) == 1


def test_a_repair_may_ask_several_times() -> None:
    answers = [[Start("m", "p"), Token(text), Complete("stop", Usage(1, 1))] for text in "abc"]
    requests: list[Request] = []

    async def ask(request: Request) -> AsyncGenerator[Event, None]:
        requests.append(request)
        for event in answers[len(requests) - 1]:
            yield event

    async def events() -> list[Event]:
        repair = Repair(check, times=2, prompt="No: {}")
        return [event async for event in repair_answer(repair, ask, REQUEST)]

    played = asyncio.run(events())
    assert [event.text for event in played if isinstance(event, Token)] == ["a", "b", "c"]
    assert [message.text for message in requests[-1].messages] == [
        "Go",
        *("a", "No: a is not good"),
        *("b", "No: b is not good"),
    ]
    notice, end = played[-2:]
    assert notice == Notice("repair", "The model was asked 3 times: b is not good")
    assert isinstance(end, Complete)
    assert end.usage == Usage(3, 3)
