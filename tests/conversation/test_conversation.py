from __future__ import annotations

import inspect
import threading
from dataclasses import fields
from inspect import Parameter
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellRef, Conversation, Options, UsageError
from cellmage.conversation.stream_arguments import StreamArguments
from cellmage.errors import IncompleteResponseError
from cellmage.options import OptionFields
from cellmage.providers.scripted import ScriptedProvider

ECHO = Options(model="offline/echo", stream=False)


def said(chat: Conversation) -> list[tuple[str, str]]:
    return [(turn.prompt, turn.state) for turn in chat.turns]


def ask(chat: Conversation, prompt: str, cell: str, ordinal: int = 0) -> int:
    """Ask from a cell, and give how many messages were sent."""
    stream = chat.stream(prompt, cell=CellRef(cell, ordinal))
    assert "".join(stream) == prompt
    return len(stream.request.messages)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=12))
def test_any_order_of_cells(asked: list[tuple[str, int]]) -> None:
    """One turn for each question of each cell, in the order of its first asking."""
    chat = Conversation(provider=ScriptedProvider(["x"]))
    order: list[CellRef] = []
    for cell, ordinal in asked:
        key = CellRef(cell, ordinal)
        before = list(order)
        request = chat.stream("q", cell=key)
        list(request)
        if key not in order:
            siblings = [at for at, k in enumerate(order) if k.cell_id == cell and k.index < ordinal]
            order.insert(siblings[-1] + 1 if siblings else len(order), key)
        index = order.index(key)
        assert [turn.cell for turn in chat.turns] == order
        assert len(request.request.messages) == 2 * index + 1
        siblings = () if key in before else (cell,)
        later = chat.turns[index + 1 :]
        assert all(turn.stale for turn in later if turn.cell and turn.cell.cell_id not in siblings)
        assert not chat.turns[index].stale
        assert [k for k in order if k != key] == [k for k in before if k != key]
        roles = [message.role for message in chat.request("next").messages]
        assert roles == ["user", "assistant"] * len(order) + ["user"]


def test_replacing_in_place() -> None:
    chat = Conversation(ECHO)
    for cell in "abc":
        ask(chat, cell, cell)
    assert ask(chat, "bb", "b") == 3
    assert said(chat) == [("a", "complete"), ("bb", "complete"), ("c", "stale")]
    assert ask(chat, "c", "c") == 5
    assert said(chat)[2] == ("c", "complete")


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_questions_that_end_in_any_order_are_not_stale(order: tuple[int, ...]) -> None:
    chat = Conversation(ECHO)
    streams = [chat.stream(str(n), cell=CellRef("threads", n)) for n in range(3)]
    for index in order:
        list(streams[index])
    assert {state for _, state in said(chat)} == {"complete"}


def test_a_longer_rerun_of_a_loop_stays_in_its_place() -> None:
    chat = Conversation(ECHO)
    ask(chat, "l0", "loop", 0)
    ask(chat, "after", "z")
    ask(chat, "l0", "loop", 0)
    assert ask(chat, "l1", "loop", 1) == 3
    assert said(chat) == [("l0", "complete"), ("l1", "complete"), ("after", "stale")]
    chat.history.drop_from(CellRef("loop", 1))
    assert [prompt for prompt, _ in said(chat)] == ["l0", "after"]


def test_no_rollback_adds_and_the_newest_is_replaced_next() -> None:
    chat = Conversation(ECHO)
    key = CellRef("a", 0)
    chat.ask("one", cell=key)
    chat.ask("two", cell=key, commit="append")
    chat.ask("three", cell=key)
    assert said(chat) == [("one", "complete"), ("three", "complete")]


def test_failed_rerun_leaves_the_old_turn_and_partial_replaces_it() -> None:
    chat = Conversation(provider=ScriptedProvider(["old"]))
    key = CellRef("a", 0)
    chat.ask("q", cell=key)
    chat.provider = ScriptedProvider([IncompleteResponseError("cut")])
    with pytest.raises(IncompleteResponseError):
        chat.ask("q", cell=key)
    assert [turn.response.text for turn in chat.turns] == ["old"]
    chat.provider = ScriptedProvider(["half", IncompleteResponseError("cut")])
    with pytest.raises(IncompleteResponseError):
        chat.ask("q", cell=key)
    assert [(turn.response.text, turn.state) for turn in chat.turns] == [("half", "partial")]


def test_history_false_sends_and_keeps_nothing_else() -> None:
    chat = Conversation(ECHO)
    chat.ask("a")
    assert len(chat.request("b", history="ignore").messages) == 1
    chat.ask("b", history="ignore")
    assert said(chat) == [("a", "complete")]


def test_an_empty_answer_is_no_turn() -> None:
    chat = Conversation(provider=ScriptedProvider([]))
    assert chat.ask("q").text == ""
    assert chat.turns == ()


def test_clear_keeps_the_system_prompt() -> None:
    chat = Conversation(Options(model="offline/echo", system="sys", stream=False))
    chat.ask("a")
    assert chat.history.clear() == 1
    assert chat.history.clear() == 0
    assert [message.role for message in chat.request("b").messages] == ["system", "user"]


@pytest.mark.parametrize("prompt", ["", " ", "\n\t\n"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        Conversation(ECHO).stream(prompt)


@pytest.mark.parametrize(
    "fields",
    [{"temperature": 2.1}, {"temperature": -0.1}, {"max_tokens": 0}, {"timeout": 0},
     {"temperature": float("nan")}],
)  # fmt: skip
def test_numbers_out_of_range(fields: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be"):
        Conversation(ECHO).stream("q", **fields)


def test_two_threads_give_whole_turns() -> None:
    chat = Conversation(Options(model="offline/echo"))
    threads = [
        threading.Thread(target=chat.ask, args=(f"{n} " * 10,), kwargs={"stream": False})
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turn.prompt for turn in chat.turns) == [f"{n} " * 10 for n in range(8)]
    assert all(turn.response.text == turn.prompt for turn in chat.turns)


class TestOptions:
    def test_the_first_that_is_set_wins(self) -> None:
        first = Options(model="a", extra_body={"x": 1})
        second = Options(model="b", temperature=0, stream=False, extra_body={"x": 2, "y": 3})
        both = Options.resolve(first, second)
        assert (both.model, both.temperature, both.stream) == ("a", 0, False)
        assert both.extra_body == {"x": 1, "y": 3}
        assert Options.resolve() == Options()

    def test_keyword_arguments_are_the_fields(self) -> None:
        assert set(get_type_hints(OptionFields)) == {field.name for field in fields(Options)}
        parameters = inspect.signature(Conversation.stream).parameters
        arguments = {name for name in parameters if parameters[name].kind == Parameter.KEYWORD_ONLY}
        assert set(get_type_hints(StreamArguments)) - set(get_type_hints(OptionFields)) == arguments

    @pytest.mark.parametrize(
        ("overrides", "advice"),
        [({"temperatur": 0}, "did you mean temperature"), ({"xyz": 0}, "the options are model")],
    )
    def test_an_unknown_option_is_refused(self, overrides: dict[str, int], advice: str) -> None:
        with pytest.raises(UsageError, match=advice):
            Conversation(ECHO).stream("q", **overrides)
