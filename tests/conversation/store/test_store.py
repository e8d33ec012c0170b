"""The store of a user: which conversations it has, and to which notebook they belong."""

from __future__ import annotations

from cellmage.conversation.store import ConversationScope, Store
from tests.conversation.store.chats import SCOPE, SCOPE_B, TERMINAL, ask, open_chat, prompts, resume


def scope(notebook: str, chat: str = "") -> ConversationScope:
    return ConversationScope(notebook, "/notes", chat, "/notes/a.ipynb")


def test_nothing_is_made_before_the_first_turn(store: Store) -> None:
    assert open_chat(store).history.resume() == 0
    assert store.count_turns(SCOPE) == 0
    assert store.notebooks_with_cells(["a"]) == store.notebooks_at("/notes/a.ipynb") == []
    store.move_notebook(SCOPE)
    store.merge_notebook("another", SCOPE)
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


def test_a_notebook_is_found_by_its_cells_and_its_path(store: Store) -> None:
    """Turns without a cell have only the path; dropped ones have no part in it."""
    ask(open_chat(store, scope("1")), "a", "c1")
    ask(open_chat(store, scope("1", "side")), "b", "c2")
    ask(open_chat(store, scope("2")), "c", "c2")
    ask(open_chat(store, scope("3")), "without a cell")
    chat = open_chat(store, scope("4"))
    ask(chat, "dropped", "c1")
    chat.history.clear()
    first, second, third = store.notebooks_at("/notes/a.ipynb")
    assert (first.id, first.path, first.cells) == ("1", "/notes/a.ipynb", {"c1", "c2"})
    assert (second.cells, third.cells) == ({"c2"}, set())
    assert store.notebooks_with_cells(["c1", "c9"]) == [first]
    assert store.notebooks_with_cells(["c2"]) == [first, second]


def test_a_notebook_is_moved_with_all_chats_and_those_to_come(store: Store) -> None:
    chat = open_chat(store, scope("1"))
    ask(chat, "a", "c1")
    store.move_notebook(ConversationScope("1", "/new", "", "/new/b.ipynb"))
    ask(chat, "b", "c2")
    ask(open_chat(store, scope("1", "side")), "c", "c3")
    assert store.notebooks_at("/notes/a.ipynb") == []
    (notebook,) = store.notebooks_at("/new/b.ipynb")
    assert notebook.cells == {"c1", "c2", "c3"}


def test_merged_notebooks_have_all_turns_once(store: Store) -> None:
    """Of two turns of one cell the older becomes an attempt of the newer."""
    first, second = open_chat(store, scope("1")), open_chat(store, scope("2"))
    for chat, prompt, cell in [
        (first, "a", "a"), (first, "b", "b"), (second, "c", "c"), (second, "a again", "a"),
        (second, "a, third", "a"), (second, "d", None),
    ]:  # fmt: skip
        ask(chat, prompt, cell)
    ask(open_chat(store, scope("2", "side")), "e", "e")
    ask(second, "dropped", "f")
    second.history.drop(4)
    store.merge_notebook("2", scope("1"))
    merged = resume(store, scope("1"))
    assert prompts(merged) == ["a, third", "b", "c", "d"]
    assert [turn.prompt for turn in merged.turns[0].previous_attempts] == ["a", "a again"]
    assert store.count_by_chat(scope("1")) == [("", 4), ("side", 1)]
    assert store.count_turns(scope("2")) == 0
    ask(second, "late", "g")
    ask(first, "b again", "b")
    store.merge_notebook("2", scope("1"))
    assert prompts(resume(store, scope("1"))) == ["a, third", "b again", "c", "d", "late"]
