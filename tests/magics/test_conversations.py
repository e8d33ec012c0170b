"""The conversations of a notebook: kernels end, files are renamed and copied, turns are stored.

A `Session` is what the magics do between two starts of a kernel, without the kernel.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellmage import UsageError
from cellmage.magics.store_messages import print_store_messages
from tests.kernel.notebooks import write_notebook
from tests.magics.session import Session

NAMES = json.loads((Path(__file__).parents[1] / "data/hostile_names.json").read_text())["names"]


Start = Callable[..., Session]


@pytest.fixture
def start(capsys: pytest.CaptureFixture[str]) -> Iterator[Start]:
    """Begin a session of a notebook; the one before has ended."""
    sessions: list[Session] = []

    def start(notebook: Path | None = None, setting: str = "ask") -> Session:
        for session in sessions:
            session.chats.store.close()
        capsys.readouterr()
        sessions.append(Session(notebook, setting))
        sessions[-1].greeting = capsys.readouterr().out
        return sessions[-1]

    yield start
    for session in sessions:
        session.chats.store.close()


def test_run_all_without_resuming(start: Start, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    for _ in range(2):
        session = start(notebook)
        session.run("abcde")
        assert session.questions == "abcde"
    assert "5 turns stored for this notebook" in start(notebook).greeting


@pytest.mark.parametrize(
    ("setting", "line"), [("always", "Resumed 5 turns of this notebook.\n"), ("never", "")]
)
def test_resume_by_itself_or_never(start: Start, tmp_path: Path, setting: str, line: str) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    start(notebook).run("abcde")
    session = start(notebook, setting)
    assert session.greeting == line
    session.run("f")
    assert session.questions == ("abcdef" if line else "f")


def test_renamed_and_restarted_under_the_old_name(start: Start, tmp_path: Path) -> None:
    """A restart of the kernel alone keeps its environment, which has the old name."""
    old = write_notebook(tmp_path / "a.ipynb")
    start(old).run("abcde")
    old.rename(tmp_path / "b.ipynb")
    write_notebook(tmp_path / "c.ipynb", "vwxyz")
    second = start(old)
    assert second.greeting == "This notebook was a.ipynb. Resumed its 5 turns.\n"
    second.run("f")
    assert second.questions == "abcdef"
    assert "6 turns stored for this notebook" in start(tmp_path / "b.ipynb").greeting


def test_a_copy_starts_fresh(start: Start, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    start(old).run("abcde")
    copy = start(Path(shutil.copy(old, tmp_path / "c.ipynb")))
    assert copy.greeting == ""
    copy.run("ab")
    assert copy.questions == "ab"
    assert "5 turns stored" in start(old).greeting


def test_another_notebook_of_the_folder_starts_fresh(start: Start, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    start(old).run("abcde")
    old.unlink()
    assert start(write_notebook(tmp_path / "b.ipynb", "vwxyz")).greeting == ""


def test_resume_another_notebook(start: Start, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = write_notebook(tmp_path / "old" / "a.ipynb")
    start(old).run("abcde")
    new = write_notebook(tmp_path / "b.ipynb", "vwxyz")
    session = start(new)
    assert session.greeting == ""
    with pytest.raises(UsageError, match=r"no turns are stored for .*nowhere\.ipynb"):
        session.history("--resume nowhere.ipynb")
    assert session.history("--resume old/a.ipynb") == "Resumed 5 turns of a.ipynb"
    session.run("f")
    assert session.questions == "abcdef"


def test_resume_needs_something(start: Start, tmp_path: Path) -> None:
    session = start(write_notebook(tmp_path / "a.ipynb"))
    with pytest.raises(UsageError, match="no turns are stored for this notebook"):
        session.history("--resume")
    with pytest.raises(UsageError, match="--import FILE reads a file"):
        start().history("--resume a.ipynb")


@pytest.mark.parametrize("has_path", [True, False])
def test_nothing_is_stored_where_no_user_watches(
    start: Start, tmp_path: Path, has_path: bool
) -> None:
    session = start(write_notebook(tmp_path / "a.ipynb") if has_path else None)
    session.run("aa", is_interactive=False, cell_id=None)
    assert not session.chats.store.path.exists()
    session.run("a", store="on", is_interactive=False, cell_id=None)
    assert session.chats.store.path.exists()


def test_unwatched_cells_with_ids_are_stored(start: Start, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    start(notebook).run("ab", is_interactive=False)
    assert "2 turns stored" in start(notebook).greeting


def test_store_off(start: Start, tmp_path: Path) -> None:
    session = start(write_notebook(tmp_path / "a.ipynb"))
    session.run("ab", store="off")
    assert not session.chats.store.path.exists()
    assert session.questions == "ab"


def test_chats_are_stored_by_name(start: Start, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    for _ in range(2):
        session = start(notebook)
        session.history("--new other")
        session.run("a", chat="other")
        assert session.questions == "a"
        session.run("bc")
    session = start(notebook)
    rows = [line.split() for line in session.history("--chats").splitlines()[1:]]
    assert sorted(rows) == [["other", "1", "stored"], ["—", "0", "loaded"]]
    assert session.history("--resume") == "Resumed 3 turns."
    assert "offline/echo" in session.history("--chat other")
    session.history("--chat other --fork third")
    with pytest.raises(UsageError, match="there is a chat 'third' already"):
        session.history("--fork third")
    assert session.history("--fork 'first b' --at 1") == (
        "Chat 'first b' has 1 turn. Ask in it with %%llm --chat 'first b'"
    )
    session.run("z", chat="first b")
    assert session.questions == "bz"
    session = start(notebook)
    session.history("--resume")
    rows = [line.split() for line in session.history("--chats").splitlines()[1:]]
    assert sorted(rows) == [
        ["first", "b", "2", "loaded"], ["other", "1", "loaded"], ["third", "1", "loaded"],
        ["—", "2", "loaded"],
    ]  # fmt: skip


def test_hostile_names_of_chats(start: Start, tmp_path: Path) -> None:
    """A name is stored as data or refused in one line; nothing but the store is touched."""
    names = [case["name"] for case in NAMES]
    notebook = write_notebook(tmp_path / "a.ipynb")
    session = start(notebook)
    before = set(tmp_path.rglob("*"))
    refused = {}
    for name in names:
        try:
            session.chats.create(name)
        except UsageError as error:
            refused[name] = str(error)
        else:
            session.run("a", chat=name, store="on")
    created = {path.relative_to(tmp_path).parts[0] for path in set(tmp_path.rglob("*")) - before}
    assert created <= {"data"}
    odd = [name for name in names if name != name.strip() or not name.isprintable()]
    assert set(refused) == {*odd, *(name for name in names if len(name) > 100)}
    assert all(len(line.splitlines()) == 1 for line in refused.values())
    again = start(notebook)
    again.history("--resume")
    stored = {name for name, count, _ in again.chats.summaries() if count}
    assert stored == set(names) - set(refused)


def test_damage_costs_a_line_and_not_the_answer(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "data" / "cellmage" / "conversations.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"junk" * 1000)
    session = start(write_notebook(tmp_path / "a.ipynb"))
    assert str(path.with_name("conversations.db.damaged-1")) in session.greeting
    assert session.greeting.count("\n") == 1
    session.run("a")


def test_a_store_that_is_held_costs_a_line(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = start(write_notebook(tmp_path / "a.ipynb"))
    session.run("a")
    holder = sqlite3.connect(session.chats.store.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    session.run("b")
    print_store_messages(session.chats)
    assert "in use by another program" in capsys.readouterr().out
    session.run("c")
    print_store_messages(session.chats)
    assert capsys.readouterr().out == ""
    holder.execute("COMMIT")
    holder.close()
    session.run("d")
    assert "4 turns stored" in start(tmp_path / "a.ipynb").greeting


def test_without_a_notebook_the_folder_counts(start: Start, tmp_path: Path) -> None:
    """Consoles of Jupyter have a name that is not a path."""
    start(tmp_path / "console-1-abc").run("a")
    assert "1 turn stored for this folder" in start().greeting


def test_import_of_a_file_and_of_a_notebook(start: Start, tmp_path: Path) -> None:
    session = start(write_notebook(tmp_path / "a.ipynb"))
    session.run("ab")
    for name in ("talk.md", "talk.json", "talk.ipynb"):
        assert session.history(f"--export {name}") == f"Wrote 2 turns to {name}"
        session.history(f"--new {name}")
        line = session.history(f"--chat {name} --import {name}")
        assert line == f"Imported 2 turns from {name}"


def test_what_the_actions_print(start: Start) -> None:
    session = start()
    assert session.history("") == "No turns yet."
    session.run("abc", store="off")
    assert session.history("--search nowhere") == "No matches."
    assert session.history("--search A").splitlines()[1].split() == ["1", "question", "a"]
    assert session.history("-v").splitlines()[:2] == ["── 1, complete ──", "a"]
    assert session.history("--drop 1") == "Dropped turn 1: a"
    assert session.history("--undo") == "Dropped 1 turn. 1 turn remains."
    session.run("b", store="off")
    assert session.history("--restore 1.1") == "Restored turn 1: b"
    with pytest.raises(UsageError, match=r"give N\.K, as --versions N lists them"):
        session.history("--restore 1")
    assert session.history("--clear") == "Dropped 1 turn."
