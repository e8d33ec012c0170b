"""The store's thread: locked files, other processes, forks, and work that fails."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

from cellmage.conversation.store import ConversationScope, Store, StoreError
from tests.conversation.store.chats import (
    SCOPE,
    ask,
    open_chat,
    prompts,
    resume,
    start_process,
)

CHILD = ConversationScope("/notes/child.ipynb", "/notes")


def lock(path: Path) -> sqlite3.Connection:
    """Return a connection of another program, which has the file for itself."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def unlock(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")
    connection.close()


def test_a_store_that_is_locked(tmp_path: Path) -> None:
    store = Store(tmp_path / "turns.db", lock_timeout_seconds=0.3)
    chat = open_chat(store)
    ask(chat, "a")
    other_program = lock(store.path)
    for prompt in "bcd":
        ask(chat, prompt)
    messages = store.pending_messages()
    unlock(other_program)
    assert messages == ["the store is in use by another program: what is new is stored later"]
    store.execute("SELECT 1")
    assert resume(store).turns == chat.turns
    store.close()


def test_a_store_that_is_closed_while_it_is_locked_finishes_its_work(tmp_path: Path) -> None:
    store = Store(tmp_path / "turns.db", lock_timeout_seconds=0.3)
    chat = open_chat(store)
    ask(chat, "a")
    other_program = lock(store.path)
    ask(chat, "b")
    store.close()
    ask(chat, "c")
    unlock(other_program)
    store.execute("SELECT 1")
    assert store.count_turns(SCOPE) == 3
    assert prompts(resume(store)) == ["a", "b", "c"]
    store.close()


def test_nothing_kills_the_thread(store: Store) -> None:
    ask(open_chat(store, ConversationScope("/w/caf\udce9.ipynb", "/w")), "a")
    (message,) = store.pending_messages()
    assert message.startswith("a turn is not stored (")
    ask(open_chat(store), "b")
    assert store.count_turns(SCOPE) == 1


def test_a_statement_that_fails(store: Store) -> None:
    with pytest.raises(StoreError, match="no such table: unknown"):
        store.execute("SELECT 1 FROM unknown")


def ask_in_child(store: Store, results: multiprocessing.Queue[object]) -> None:
    chat = open_chat(store, CHILD)
    ask(chat, "from the child")
    results.put((len(chat.turns), store.pending_messages()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_reconnects(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    process = context.Process(target=ask_in_child, args=(store, results))
    process.start()
    assert results.get(timeout=30) == (1, [])
    process.join(30)
    ask(chat, "b")
    assert resume(store).turns == chat.turns
    assert len(resume(store, CHILD).turns) == 1


ASK_200_TIMES = """
import sys
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.conversation.store import ConversationScope, Store
store = Store(Path(sys.argv[1]))
scope = ConversationScope(sys.argv[2], "/notes")
chat = Conversation(Options(model="offline/echo", stream=False), journal=store.journal(scope))
for number in range(200):
    chat.ask(f"{number}")
print(*store.pending_messages())
store.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("names", [("/notes/a.ipynb", "/notes/b.ipynb"), ("/notes/a.ipynb",) * 2])
def test_two_kernels_at_once(store: Store, names: tuple[str, str]) -> None:
    processes = [start_process(ASK_200_TIMES, store.path, name) for name in names]
    outputs = [process.communicate(timeout=100)[0] for process in processes]
    assert outputs == [b"\n", b"\n"]
    stored = [
        prompt
        for name in set(names)
        for prompt in prompts(resume(store, ConversationScope(name, "/notes")))
    ]
    assert sorted(stored) == sorted([str(number) for number in range(200)] * 2)
