"""Which turns are sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, Message, Options, Request, Response, Turn, Usage, UsageError
from cellmage.context_window import drop_older_turns, select_turns, turn_tokens
from cellmage.errors import HTTPStatusError
from cellmage.testing import Exchange, Reply, ScriptedServer, answer


def turns_of(count: int, words: int = 100) -> list[Turn]:
    return [Turn(f"Question {n}", Response("word " * words)) for n in range(count)]


@given(st.integers(0, 12), st.none() | st.integers(0, 15), st.none() | st.integers(20, 3000))
def test_any_limits(count: int, newest: int | None, most: int | None) -> None:
    """Whole turns, the newest, and no more than the limits allow; a line says what is left out."""
    turns = turns_of(count)
    options = Options(max_context_turns=newest, max_context_tokens=most)
    kept, line = select_turns(turns, "And?", options)
    assert list(kept) == turns[count - len(kept) :]
    assert bool(line) == (len(kept) < count)
    assert newest is None or len(kept) <= newest
    if most is not None:
        sizes = turn_tokens(turns)
        assert sum(sizes[count - len(kept) :]) + 5 <= most
        if len(kept) < min(count, count if newest is None else newest):
            assert sum(sizes[count - len(kept) - 1 :]) + 5 > most


def test_the_provider_counts_where_it_has() -> None:
    turns = [
        Turn("word " * 40, Response("a", usage=Usage(60, 7))),
        Turn("word " * 40, Response("b", usage=Usage(60 + 7 + 55, 9))),
        Turn("word " * 40, Response("word " * 40)),
    ]
    assert turn_tokens(turns) == [54 + 7, 55 + 9, 54 + 54]


def test_a_question_that_is_too_long() -> None:
    with pytest.raises(UsageError, match=r"too long by about 2\d\d\d tokens") as caught:
        select_turns([], "word " * 2000, Options(max_context_tokens=500))
    assert caught.value.kind == "context_overflow"


def test_the_line_is_under_the_answer(connected: ScriptedServer) -> None:
    chat = Conversation(Options(model="m", system="Be brief."), turns=turns_of(9))
    response = chat.ask("And?", max_context_turns=2)
    assert response.notices[0] == "7 older turns were left out: 2 may be sent (max_context_turns)"
    assert [role for role, _ in connected.last.messages] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert len(chat.turns) == 10


def limited(limit: int, said: str) -> Reply:
    body = json.dumps({"error": {"message": said, "code": "context_length_exceeded"}}).encode()
    return Reply([body], status=400, content_type="application/json")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("This model's maximum context length is 1024 tokens, you asked for 2500.", 6),
        ("the request exceeds the available context size", 8),
    ],
)
def test_one_shortened_retry(connected: ScriptedServer, said: str, left: int) -> None:
    def reply(exchange: Exchange) -> Reply:
        size = sum(len(text) for _, text in exchange.messages)
        return limited(1024, said) if size > 5000 else Reply(answer("ok"))

    connected.play_with(reply)
    chat = Conversation(Options(model="m", system="Be brief."), turns=turns_of(18))
    response = chat.ask("And?")
    assert response.text == "ok"
    assert len(connected.exchanges) == 2
    roles = [role for role, _ in connected.last.messages]
    assert roles == ["system", *["user", "assistant"] * left, "user"]
    assert response.notices[-1].startswith(f"{18 - left} older turns were left out: the model")
    assert len(chat.turns) == 19


def test_once_only(connected: ScriptedServer) -> None:
    connected.play_with(lambda exchange: limited(10, "too many tokens"))
    chat = Conversation(Options(model="m"), turns=turns_of(18))
    with pytest.raises(HTTPStatusError) as caught:
        chat.ask("And?")
    assert caught.value.kind == "context_overflow"
    assert len(connected.exchanges) == 2
    with pytest.raises(HTTPStatusError):
        Conversation(Options(model="m")).ask("alone")
    assert len(connected.exchanges) == 3


@given(st.booleans(), st.lists(st.integers(0, 400), min_size=1, max_size=12), st.text(max_size=40))
def test_any_shortening(has_system: bool, sizes: list[int], said: str) -> None:
    """The system prompt and the question stay, roles alternate, and it is shorter."""
    messages = [Message("system", "Be brief.")] * has_system
    for number, size in enumerate(sizes):
        messages.append(Message("assistant" if number % 2 else "user", "x" * size))
    if messages[-1].role == "assistant":
        messages.append(Message("user", "?"))
    request = Request(tuple(messages), Options())
    shorter = drop_older_turns(request, said)
    users = sum(message.role == "user" for message in messages)
    assert (shorter is None) == (users < 2)
    if shorter is not None:
        assert shorter.messages[-1] == messages[-1]
        assert (shorter.messages[0].role == "system") == has_system
        roles = [message.role for message in shorter.messages if message.role != "system"]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
        assert len(shorter.messages) < len(messages)
