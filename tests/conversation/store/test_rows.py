"""Rows that cannot be read cost as little as possible."""

from __future__ import annotations

from cellmage.conversation.store import Store
from cellmage.conversation.store.rows import monotonic_now
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


def test_each_change_has_a_later_time_than_the_one_before() -> None:
    times = [monotonic_now() for _ in range(1000)]
    assert times == sorted(set(times))
