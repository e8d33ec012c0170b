"""Rows that cannot be read cost as little as possible."""

from __future__ import annotations

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
