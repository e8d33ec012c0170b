"""A file that is damaged, deleted, replaced, or cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cellmage.conversation.store import Store
from tests.conversation.store.chats import SCOPE_B, ask, open_chat, prompts, resume


@pytest.mark.parametrize(
    "junk", [b"no database at all " * 400, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_set_aside(store: Store, junk: bytes) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(junk)
    chat = open_chat(store)
    ask(chat, "a")
    new_path = store.path.with_name("turns.db.damaged-1")
    assert new_path.read_bytes() == junk
    assert store.pending_messages() == [
        f"the stored conversations were damaged; the file is kept as {new_path}"
    ]
    assert resume(store).turns == chat.turns


@pytest.mark.slow
def test_damage_in_the_middle(store: Store) -> None:
    chat = open_chat(store)
    for number in range(60):
        ask(chat, f"{number} " * 700)
    store.close()
    with store.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * 100_000)
    ask(chat, "after")
    (message,) = store.pending_messages()
    assert "damaged" in message
    assert len(chat.turns) == 61


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    store = Store(tmp_path / "data" / "turns.db")
    chat = open_chat(store)
    ask(chat, "a")
    ask(chat, "b")
    (message,) = store.pending_messages()
    assert message.startswith("turns are not stored in")
    assert len(chat.turns) == 2


def test_a_full_disk(store: Store) -> None:
    """SQLite's own limit of pages has the effect of a full disk."""
    chat = open_chat(store)
    ask(chat, "a")
    store.execute("PRAGMA max_page_count = 30")
    ask(chat, "x" * 300_000)
    ask(chat, "y" * 300_000)
    folder = store.path.parent
    assert store.pending_messages() == [
        f"turns are not stored in {folder} (database or disk is full)"
    ]
    assert len(chat.turns) == 3
    assert resume(store).turns[0].prompt == "a"


def test_a_file_that_is_deleted_or_replaced(store: Store) -> None:
    chat = open_chat(store)
    other_store = Store(store.path)
    other_chat = open_chat(other_store, SCOPE_B)
    ask(chat, "a1")
    ask(other_chat, "b1")
    for path in store.path.parent.iterdir():
        path.unlink()
    ask(chat, "a2")
    ask(other_chat, "b2")
    assert prompts(resume(store)) == ["a2"]
    assert prompts(resume(store, SCOPE_B)) == ["b2"]
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.path.write_bytes(b"junk" * 5000)
    for number in (3, 4):
        ask(chat, f"a{number}")
        ask(other_chat, f"b{number}")
    assert prompts(resume(store))[-2:] == ["a3", "a4"]
    assert prompts(resume(store, SCOPE_B))[-2:] == ["b3", "b4"]
    assert [path.name for path in store.path.parent.glob("*.damaged-?")] == ["turns.db.damaged-1"]
    other_store.close()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let this process write no file beyond 4 kB, as if the disk was full."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_turns_that_met_a_full_disk_are_written_when_there_is_space(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a", "A")
    with full_disk():
        ask(chat, "b", "B")
        ask(chat, "a again", "A")
    (message,) = store.pending_messages()
    assert message.startswith("turns are not stored in")
    assert prompts(resume(store)) == ["a"]
    ask(chat, "c", "C")
    assert prompts(chat) == ["a again", "b", "c"]
    assert resume(store).turns == chat.turns


def test_turns_that_met_a_full_disk_are_written_at_the_end(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "a")
    store.close()
    folder = store.path.parent
    moved = folder.rename(folder.with_name("moved"))
    folder.write_text("a file where the folder should be")
    ask(chat, "b")
    folder.unlink()
    moved.rename(folder)
    store.close()
    assert resume(store).turns == chat.turns


def test_a_new_file_of_the_same_inode_has_its_own_conversations(store: Store) -> None:
    """The id of a conversation means another one there: no turn goes to another notebook."""
    chat = open_chat(store)
    ask(chat, "a1")
    store.close()  # now the inode can be used again
    for path in list(store.path.parent.iterdir()):
        path.unlink()
    other_store = Store(store.path)
    ask(open_chat(other_store, SCOPE_B), "b1")
    ask(chat, "a2")
    assert prompts(resume(store, SCOPE_B)) == ["b1"]
    assert prompts(resume(store)) == ["a2"]
    other_store.close()


def test_another_file_that_is_written_over_the_open_one(store: Store, tmp_path: Path) -> None:
    other_store = Store(tmp_path / "other.db")
    ask(open_chat(other_store, SCOPE_B), "b1")
    other_store.close()
    chat = open_chat(store)
    ask(chat, "a1")
    store.path.write_bytes(other_store.path.read_bytes())
    ask(chat, "a2")
    (message,) = store.pending_messages()
    assert message.startswith("another program has replaced turns.db while it was open")
    assert prompts(resume(store, SCOPE_B)) == ["b1"]
    assert prompts(resume(store)) == ["a2"]


def test_turns_in_a_new_file_have_a_conversation(store: Store) -> None:
    """While an answer arrives, too: its autosave and its end meet another file."""
    chat = open_chat(store)
    ask(chat, "a1", "A")
    stream = chat.stream("a2")
    texts = iter(stream)
    for path in list(store.path.parent.iterdir()):
        path.unlink()
    list(texts)
    assert prompts(resume(store)) == ["a2"]
    orphans = (
        "SELECT count(*) FROM turns WHERE conversation_id NOT IN (SELECT id FROM conversations)"
    )
    assert store.execute(orphans) == [(0,)]
