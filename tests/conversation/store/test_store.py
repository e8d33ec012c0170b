"""The store of a user: which conversations it has, and to which notebook they belong."""

from __future__ import annotations

from pathlib import Path

from cellmage.conversation.store import ConversationScope, Store
from tests.conversation.store.chats import SCOPE, SCOPE_B, TERMINAL, ask, open_chat, prompts, resume


def test_nothing_is_made_before_the_first_turn(store: Store) -> None:
    assert open_chat(store).history.resume() == 0
    assert store.count_turns(SCOPE) == 0
    assert store.missing_notebooks("/notes") == {}
    assert store.move_notebook("/notes/b.ipynb", SCOPE) == 0
    assert not store.path.parent.exists()


def test_chats_of_a_notebook_are_apart(store: Store) -> None:
    ask(open_chat(store), "a")
    ask(open_chat(store, ConversationScope(SCOPE.notebook, "/notes", "x' OR '1'='1")), "b")
    ask(open_chat(store, SCOPE_B), "c")
    assert store.count_by_chat(SCOPE) == [("", 1), ("x' OR '1'='1", 1)]


def test_a_terminal_resumes_the_last_session_of_its_folder(store: Store) -> None:
    ask(open_chat(store, TERMINAL), "first session")
    ask(open_chat(store, TERMINAL), "second session")
    assert prompts(resume(store, TERMINAL)) == ["second session"]
    assert resume(store, ConversationScope(None, "/other")).turns == ()


def test_a_session_of_a_terminal_stays_one(store: Store) -> None:
    chat = open_chat(store, TERMINAL)
    ask(chat, "one")
    store.close()
    ask(chat, "two")
    assert prompts(resume(store, TERMINAL)) == ["one", "two"]
    ask(open_chat(Store(store.path), TERMINAL), "another session")
    assert store.count_turns(TERMINAL) == 1


def test_a_notebook_without_a_file_is_moved(store: Store, tmp_path: Path) -> None:
    old_path = str(tmp_path / "a.ipynb")
    ask(open_chat(store, ConversationScope(old_path, str(tmp_path))), "a", "c1")
    assert store.missing_notebooks(str(tmp_path)) == {old_path: {"c1"}}
    new = ConversationScope(str(tmp_path / "b.ipynb"), str(tmp_path))
    assert store.move_notebook(old_path, new) == 1
    assert store.count_turns(new) == 1
    assert store.move_notebook(old_path, new) == 0


def test_a_notebook_is_not_moved_where_there_are_turns(store: Store) -> None:
    old = ConversationScope("/notes/old.ipynb", "/notes")
    new = ConversationScope("/notes/new.ipynb", "/notes")
    ask(open_chat(store, old), "main")
    ask(open_chat(store, ConversationScope(old.notebook, "/notes", "side")), "side")
    ask(open_chat(store, new), "new")
    assert store.move_notebook("/notes/old.ipynb", new) == 0
    assert store.count_turns(old) == 1
