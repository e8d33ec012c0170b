"""The turns of a conversation, as they are changed, and as another kernel loads them."""

from __future__ import annotations

import pytest

from cellmage import CellRef, Conversation, Options, Response, Turn
from cellmage.conversation.store import Store
from cellmage.errors import IncompleteResponseError
from cellmage.testing import ScriptedProvider
from tests.conversation.store.chats import (
    SCOPE,
    SCOPE_B,
    TERMINAL,
    ask,
    open_chat,
    prompts,
    resume,
    states,
)


def test_the_turns_that_are_loaded_are_those_that_were_stored(store: Store) -> None:
    chat = open_chat(store)
    for cell in "abc":
        ask(chat, f"{cell} \ud800 \x00 é", cell)
    ask(chat, "b again", "b")
    ask(chat, "b, second", "b", 1)
    ask(chat, "no cell")
    chat.history.drop(1)
    assert resume(store).turns == chat.turns
    assert [turn.prompt for turn in chat.turns[0].previous_attempts] == ["b \ufffd \x00 é"]
    chat.history.restore(1, 1)
    assert resume(store).turns == chat.turns
    for number, text in ((1, "corrected"), (4, "without a cell"), (1, "corrected again")):
        chat.history.edit(number, text)
        assert resume(store).turns == chat.turns
    texts = [turn.response.text for turn in (*chat.turns[0].previous_attempts, chat.turns[0])]
    assert texts[-2:] == ["corrected", "corrected again"]
    assert prompts(chat) == ["b \ufffd \x00 é", "b, second", "c \ufffd \x00 é", "no cell"]
    chat.history.clear()
    assert resume(store).turns == ()


def test_run_again_without_resuming_supersedes(store: Store) -> None:
    for _ in range(3):
        chat = open_chat(Store(store.path))
        for cell in "abcde":
            ask(chat, cell, cell)
    assert prompts(resume(store)) == list("abcde")
    assert states(store).count("superseded") == 10


def test_a_failure_is_recorded_and_keeps_the_old_turn(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a", "c1")
    chat.provider = ScriptedProvider([IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "again", "c1")
    assert prompts(resume(store)) == ["a"]
    assert states(store) == ["live", "failed"]


def test_a_continued_turn_is_one_turn(store: Store) -> None:
    chat = open_chat(store)
    chat.provider = ScriptedProvider(["one ", IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "a", "c1")
    chat.provider = ScriptedProvider(["two"])
    list(chat.continue_answer())
    assert [turn.response.text for turn in resume(store).turns] == ["one two"]
    assert resume(store).turns == chat.turns


def test_two_kernels_of_one_notebook_double_nothing(store: Store) -> None:
    first, second = open_chat(store), open_chat(Store(store.path))
    ask(first, "Q1", "A")
    second.history.resume()
    ask(second, "Q1 again", "A")
    first.history.resume()
    assert prompts(first) == ["Q1 again"]
    second.history.drop(1)
    first.history.resume()
    assert prompts(first) == []


def test_an_attempt_is_not_imported_as_a_turn(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a", "A")
    first_turns = chat.turns
    ask(chat, "a again", "A")
    assert chat.history.extend(first_turns) == 0
    assert resume(store).turns == chat.turns


def test_a_shorter_run_of_a_loop_without_resuming(store: Store) -> None:
    chat = open_chat(store)
    for index in range(3):
        ask(chat, f"p{index}", "L", index)
    chat = open_chat(Store(store.path))
    for index in range(2):
        ask(chat, f"n{index}", "L", index)
    chat.history.drop_from(CellRef("L", 2))
    assert prompts(resume(store)) == ["n0", "n1"]


def test_an_import_is_added_at_the_end(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a")
    old = Turn("b", Response("B1"))
    imported = [Turn("b", Response("B2"), previous_attempts=(old,)), chat.turns[0]]
    assert chat.history.extend(imported) == 1
    assert prompts(resume(store)) == ["a", "b"]
    assert [turn.response.text for turn in resume(store).turns[1].previous_attempts] == ["B1"]


def test_tool_steps_are_stored(store: Store) -> None:
    chat = Conversation(Options(model="offline/tools"), journal=store.journal(SCOPE))

    def add(a: int, b: int) -> int:
        return a + b

    chat.ask('add {"a": 1, "b": 2}', tools=[add], approve="always")
    assert resume(store).turns == chat.turns
    assert resume(store).turns[0].response.steps[0].calls[0].result == "3"


def test_the_id_of_a_conversation_that_was_rolled_back_is_not_used(store: Store) -> None:
    """The disk is full when the first question begins: what created the conversation is undone."""
    ask(open_chat(store), "first")
    chat = open_chat(store, SCOPE_B)
    store.execute("PRAGMA max_page_count = 30")
    long_prompt = "x" * 300_000
    ask(chat, long_prompt)
    assert "full" in store.pending_messages()[0]
    ask(open_chat(store, TERMINAL), "c")
    ask(chat, "b")
    assert prompts(resume(store, SCOPE_B)) == [long_prompt, "b"]
    assert prompts(resume(store, TERMINAL)) == ["c"]
