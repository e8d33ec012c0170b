"""Rows that cannot be read cost as little as possible."""

from __future__ import annotations

from cellmage import CellRef
from cellmage.conversation.store import Store
from tests.conversation.store.chats import ask, open_chat, resume


def test_metadata_that_cannot_be_read_costs_no_turn(store: Store) -> None:
    chat = open_chat(store)
    for prompt in ("one", "two", "three"):
        ask(chat, prompt)
    store.execute(
        "UPDATE turns SET metadata = json_set(metadata, '$.steps', json('[[\"\", [7]]]')) "
        "WHERE prompt = ?",
        [b"two"],
    )
    turns = resume(store).turns
    assert [turn.response.text for turn in turns] == ["one", "two", "three"]
    assert [turn.response.id for turn in turns] == [turn.response.id for turn in chat.turns]


def test_words_of_earlier_versions_are_read_as_they_are(store: Store) -> None:
    """Kinds were renamed: a turn that an earlier version stored keeps its own word."""
    ask(open_chat(store), "one")
    update = "UPDATE turns SET metadata = json_set(metadata, '$.incomplete_reason', ?)"
    for word in ("context_length", "cancelled", "no_end", "error"):
        store.execute(update, [word])
        (turn,) = resume(store).turns
        assert (turn.response.incomplete_reason, turn.state) == (word, "partial")


def test_no_statement_of_a_turn_reads_all_turns(store: Store) -> None:
    """Each is answered by an index, in which it finds its place at once."""
    chat = open_chat(store)
    for cell in "ab":
        ask(chat, cell, cell)
    statements: list[str] = []
    store._writer.submit(lambda db: db.set_trace_callback(statements.append)).result()
    ask(chat, "new", "c")
    ask(chat, "next of a loop", "a", 1)
    ask(chat, "again", "a")
    ask(chat, "without a cell")
    chat.history.restore(1, 1)
    chat.history.drop_from(CellRef("a", 1))
    chat.history.drop(1)
    store._writer.submit(lambda db: db.set_trace_callback(None)).result()
    planned = [text for text in statements if text.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(planned) > 30
    for statement in planned:
        for *_, step in store.execute(f"EXPLAIN QUERY PLAN {statement}"):
            assert "turns" not in step or step.startswith("SEARCH"), (statement, step)
            assert "USE TEMP B-TREE" not in step, (statement, step)
    assert {"live_turns", "turns_by_question", "turns_by_cell", "turns_by_position"} <= {
        word
        for statement in planned
        for *_, step in store.execute(f"EXPLAIN QUERY PLAN {statement}")
        for word in step.split()
    }


def test_a_clock_that_is_set_back_changes_no_order(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "first", "A")
    store.execute("UPDATE turns SET changed_at = changed_at + 1000000")
    chat = resume(store)
    for prompt in ("second", "third"):
        ask(chat, prompt, "A")
    (turn,) = resume(store).turns
    versions = [attempt.prompt for attempt in turn.previous_attempts]
    assert (versions, turn.prompt) == (["first", "second"], "third")
    assert resume(store).turns == chat.turns
