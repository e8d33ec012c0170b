"""The file: its schema, its permissions, and disks that lack what SQLite wants."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cellmage.conversation.store import Store
from cellmage.conversation.store.database import MIGRATIONS, NewerStoreError, connect
from tests.conversation.store.chats import ask, open_chat, prompts, resume


def test_a_file_of_an_earlier_version_is_brought_up_to_date(store: Store) -> None:
    ask(open_chat(store), "a")
    store.close()
    later = [*MIGRATIONS, "ALTER TABLE turns ADD COLUMN note TEXT;\nUPDATE turns SET note = 'n';\n"]
    for _ in range(2):
        connection = connect(store.path, later)
        assert connection.execute("SELECT prompt, note FROM turns").fetchall() == [(b"a", "n")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(later),)
        connection.close()
    with pytest.raises(NewerStoreError):
        connect(store.path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(store: Store) -> None:
    ask(open_chat(store), "a")
    store.close()
    with pytest.raises(sqlite3.OperationalError):
        connect(store.path, [*MIGRATIONS, "DELETE FROM turns;\nNO STATEMENT;\n"])
    assert prompts(resume(store)) == ["a"]


def test_a_later_release(store: Store) -> None:
    ask(open_chat(store), "a")
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.execute("UPDATE conversations SET created_by_version = '9.1'")
    before = store.path.read_bytes()
    chat = open_chat(store)
    ask(chat, "b")
    ask(chat, "c")
    assert prompts(chat) == ["b", "c"]
    (message,) = store.pending_messages()
    assert "later release of cellmage (9.1): pip install --upgrade cellmage" in message
    store.close()
    assert store.path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_only_the_user_can_read_it(store: Store) -> None:
    before = os.umask(0)
    try:
        ask(open_chat(store), "a")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"turns.db", "turns.db-wal"} <= modes.keys()
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_no_shared_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network's disk: with its dotfile locking, SQLite cannot write a WAL journal."""
    connect_anywhere = sqlite3.connect

    def connect_with_dotfile(path: Path, **arguments: Any) -> sqlite3.Connection:
        uri = f"file:{quote(str(path))}?vfs=unix-dotfile"
        return connect_anywhere(uri, uri=True, **arguments)

    monkeypatch.setattr(sqlite3, "connect", connect_with_dotfile)
    ask(open_chat(store), "a")
    assert store.pending_messages() == []
    assert store.path.exists()
    assert not store.path.with_name("turns.db-wal").exists()
    assert prompts(resume(store)) == ["a"]
