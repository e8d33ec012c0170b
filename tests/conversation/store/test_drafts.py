"""The autosave of answers that are being written."""

from __future__ import annotations

import sqlite3
import time

from cellmage.conversation.store import Store
from cellmage.testing import ScriptedProvider
from tests.conversation.store.chats import SCOPE, ask, open_chat


def test_an_answer_is_saved_when_the_model_falls_silent(store: Store) -> None:
    chat = open_chat(store, provider=ScriptedProvider(["one two three", 30.0]))
    with chat.stream("a") as stream:
        for _ in stream:
            deadline = time.monotonic() + 5
            while store.count_turns(SCOPE) == 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            break


def test_an_answer_is_saved_in_order_when_the_store_was_locked(store: Store) -> None:
    words = [f"{number} " for number in range(40)]
    steps = [step for word in words for step in (word, 0.05)]
    chat = open_chat(store)
    ask(chat, "first")
    chat.provider = ScriptedProvider([*steps, 30.0])
    other_program = sqlite3.connect(store.path, isolation_level=None, timeout=10)
    chunks: list[tuple[bytes]] = []
    with chat.stream("a") as stream:
        for text in stream:
            if text == "5 ":
                other_program.execute("BEGIN EXCLUSIVE")
            if text == "30 ":
                other_program.execute("COMMIT")
            if text == "39 ":
                time.sleep(0.7)
                chunks = store.execute("SELECT text FROM chunks ORDER BY id")
                break
    other_program.close()
    saved = b"".join(text for (text,) in chunks).decode()
    assert saved.split() == [str(number) for number in range(40)]
    assert len(chunks) > 1
