"""Conversations on disk: a real SQLite file, real processes, real faults."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage import CellRef, Conversation, Options, Response, Turn
from cellmage.conversation.store import Home, Store
from cellmage.conversation.store.database import MIGRATIONS
from cellmage.errors import IncompleteResponseError
from cellmage.providers.scripted import ScriptedProvider

ECHO = Options(model="offline/echo", stream=False)
HOME = Home("/notes/a.ipynb", "/notes")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "data" / "turns.db")
    yield made
    made.close()


def chat_of(store: Store, home: Home = HOME, **more: object) -> Conversation:
    return Conversation(ECHO, journal=store.journal(home), **more)  # type: ignore[arg-type]


def ask(chat: Conversation, prompt: str, cell: str | None = None, ordinal: int = 0) -> None:
    stream = chat.stream(prompt, cell=None if cell is None else CellRef(cell, ordinal))
    for _ in stream:
        pass


def again(store: Store, home: Home = HOME) -> Conversation:
    """The conversation as another kernel finds it."""
    chat = chat_of(Store(store.path), home)
    chat.history.resume()
    return chat


def states(store: Store) -> list[str]:
    with sqlite3.connect(store.path) as connection:
        return [row[0] for row in connection.execute("SELECT state FROM turns ORDER BY at")]


def test_nothing_is_made_before_the_first_turn(store: Store) -> None:
    assert (chat_of(store).history.resume(), store.count(HOME), store.lost("/notes")) == (0, 0, {})
    assert not store.path.parent.exists()


def test_what_is_loaded_is_what_was_kept(store: Store) -> None:
    chat = chat_of(store)
    for cell in "abc":
        ask(chat, f"{cell} \ud800 \x00 é", cell)
    ask(chat, "b again", "b")
    ask(chat, "b, second", "b", 1)
    ask(chat, "no cell")
    chat.history.drop(1)
    assert again(store).turns == chat.turns
    assert [turn.prompt for turn in chat.turns[0].previous_attempts] == ["b \ud800 \x00 é"]
    chat.history.restore(1, 1)
    assert again(store).turns == chat.turns
    assert [turn.prompt for turn in chat.turns] == [
        "b \ud800 \x00 é", "b, second", "c \ud800 \x00 é", "no cell",
    ]  # fmt: skip
    chat.history.clear()
    assert again(store).turns == ()


def test_run_again_without_resuming_supersedes(store: Store) -> None:
    for _ in range(3):
        chat = chat_of(Store(store.path))
        for cell in "abcde":
            ask(chat, cell, cell)
    assert [turn.prompt for turn in again(store).turns] == list("abcde")
    assert states(store).count("superseded") == 10


def test_a_failure_is_recorded_and_keeps_the_old_turn(store: Store) -> None:
    chat = chat_of(store)
    ask(chat, "a", "c1")
    chat.provider = ScriptedProvider([IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "again", "c1")
    assert [turn.prompt for turn in again(store).turns] == ["a"]
    assert states(store) == ["live", "failed"]


def test_a_turn_that_goes_on_is_one_turn(store: Store) -> None:
    chat = chat_of(store)
    chat.provider = ScriptedProvider(["one ", IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "a", "c1")
    chat.provider = ScriptedProvider(["two"])
    list(chat.continue_answer())
    assert [turn.response.text for turn in again(store).turns] == ["one two"]
    assert again(store).turns == chat.turns


def test_chats_of_a_notebook_are_apart(store: Store) -> None:
    ask(chat_of(store), "a")
    ask(chat_of(store, Home(HOME.notebook, "/notes", "x' OR '1'='1")), "b")
    ask(chat_of(store, Home("/notes/b.ipynb", "/notes")), "c")
    assert store.chats(HOME) == [("", 1), ("x' OR '1'='1", 1)]


def test_a_terminal_takes_up_the_last_session_of_its_folder(store: Store) -> None:
    terminal = Home(None, "/notes")
    ask(chat_of(store, terminal), "first session")
    ask(chat_of(store, terminal), "second session")
    assert [turn.prompt for turn in again(store, terminal).turns] == ["second session"]
    assert again(store, Home(None, "/other")).turns == ()


def test_attach_and_lost(store: Store, tmp_path: Path) -> None:
    ask(chat_of(store, Home(str(tmp_path / "a.ipynb"), str(tmp_path))), "a", "c1")
    assert store.lost(str(tmp_path)) == {str(tmp_path / "a.ipynb"): {"c1"}}
    new = Home(str(tmp_path / "b.ipynb"), str(tmp_path))
    assert store.attach(str(tmp_path / "a.ipynb"), new) == 1
    assert store.count(new) == 1
    assert store.attach(str(tmp_path / "a.ipynb"), new) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_only_the_user_can_read_it(store: Store) -> None:
    before = os.umask(0)
    try:
        ask(chat_of(store), "a")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"turns.db", "turns.db-wal"} <= modes.keys()
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


# Faults.


@pytest.mark.parametrize(
    "junk", [b"no database at all " * 400, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_set_aside(store: Store, junk: bytes) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(junk)
    chat = chat_of(store)
    ask(chat, "a")
    aside = store.path.with_name("turns.db.damaged-1")
    assert aside.read_bytes() == junk
    assert store.told() == [f"the stored conversations were damaged; the file is kept as {aside}"]
    assert again(store).turns == chat.turns


def test_damage_in_the_middle(store: Store) -> None:
    chat = chat_of(store)
    for number in range(200):
        ask(chat, f"{number} " * 200)
    store.close()
    with store.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * 100_000)
    ask(chat, "after")
    told = store.told()
    assert len(told) == 1
    assert "damaged" in told[0]
    assert len(chat.turns) == 201


def test_a_later_release(store: Store) -> None:
    ask(chat_of(store), "a")
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.execute("UPDATE conversations SET writer = '9.1'")
    before = store.path.read_bytes()
    chat = chat_of(store)
    ask(chat, "b")
    ask(chat, "c")
    assert [turn.prompt for turn in chat.turns] == ["b", "c"]
    (line,) = store.told()
    assert "later release of cellmage (9.1): pip install --upgrade cellmage" in line
    store.close()
    assert store.path.read_bytes() == before


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    store = Store(tmp_path / "data" / "turns.db")
    chat = chat_of(store)
    ask(chat, "a")
    ask(chat, "b")
    (line,) = store.told()
    assert line.startswith("turns are not stored in")
    assert len(chat.turns) == 2


def test_no_shared_memory(tmp_path: Path) -> None:
    """A network's disk: SQLite's dotfile locking has no journal of the WAL kind."""
    store = Store(tmp_path / "turns.db", "?vfs=unix-dotfile")
    chat = chat_of(store)
    ask(chat, "a")
    assert store.told() == []
    assert not store.path.with_name("turns.db-wal").exists()
    fresh = chat_of(Store(store.path, "?vfs=unix-dotfile"))
    assert fresh.history.resume() == 1
    store.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands in for the disk's."""
    store = Store(tmp_path / "turns.db")
    chat = chat_of(store)
    ask(chat, "a")
    limit = store._writer.put(lambda c: c.execute("PRAGMA max_page_count = 30").fetchone())
    limit.result(5)
    ask(chat, "x" * 300_000)
    ask(chat, "y" * 300_000)
    assert store.told() == [f"turns are not stored in {tmp_path} (database or disk is full)"]
    assert len(chat.turns) == 3
    assert again(store).turns[0].prompt == "a"
    store.close()


def test_a_store_that_is_held(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellmage.conversation.store.writer.PATIENCE", 0.3)
    chat = chat_of(store)
    ask(chat, "a")
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    for prompt in "bcd":
        ask(chat, prompt)
    told = store.told()
    holder.execute("COMMIT")
    holder.close()
    assert told == ["the store is in use by another program: what is new is stored later"]
    store._writer.put(lambda connection: None).result(20)
    assert again(store).turns == chat.turns


# Processes.

WRITE = """
import sys
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.conversation.store import Home, Store
store = Store(Path(sys.argv[1]))
home = Home(sys.argv[2], "/notes")
chat = Conversation(Options(model="offline/echo", stream=False), journal=store.journal(home))
for number in range(200):
    chat.ask(f"{number}")
print(*store.told())
store.close()
"""


@pytest.mark.parametrize("names", [("/notes/a.ipynb", "/notes/b.ipynb"), ("/notes/a.ipynb",) * 2])
def test_two_kernels_at_once(store: Store, names: tuple[str, str]) -> None:
    command = [sys.executable, "-c", WRITE, str(store.path)]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in names
    ]
    told = [process.communicate(timeout=100)[0] for process in running]
    assert told == ["\n", "\n"]
    found = [
        turn.prompt for name in set(names) for turn in again(store, Home(name, "/notes")).turns
    ]
    assert sorted(found) == sorted([str(number) for number in range(200)] * 2)


KILLED = """
import sys
from pathlib import Path
from cellmage import CellRef, Conversation, Options
from cellmage.providers.scripted import ScriptedProvider
from cellmage.conversation.store import Home, Store
store = Store(Path(sys.argv[1]))
chat = Conversation(journal=store.journal(Home("/notes/a.ipynb", "/notes")))
chat.provider = ScriptedProvider(["whole"])
chat.ask("first")
chat.provider = ScriptedProvider([step for n in range(10_000) for step in (f"{n} ", 0.01)])
for text in chat.stream("second", cell=CellRef("c2", 0)):
    print(text, flush=True, end="")
"""


def test_kill_9_in_mid_stream(store: Store) -> None:
    command = [sys.executable, "-c", KILLED, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        seen = b""
        while len(seen.split()) < 200:
            seen += os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGKILL)
    chat = again(store)
    assert [turn.prompt for turn in chat.turns] == ["first", "second"]
    kept = chat.turns[1].response
    assert kept.incomplete_reason == "killed"
    assert seen.decode().startswith(kept.text[: len(seen)])
    assert len(seen.split()) - len(kept.text.split()) <= 100  # a word each 10 ms: one second
    assert again(store).turns == chat.turns


IN_A_TOOL = """
import sys, time
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.conversation.store import Home, Store

def pay() -> str:
    return "paid"

def nap() -> None:
    print("napping", flush=True)
    time.sleep(60)

store = Store(Path(sys.argv[1]))
home = Home("/notes/a.ipynb", "/notes")
chat = Conversation(Options(model="offline/tools"), journal=store.journal(home))
chat.ask("pay {} and nap {}", tools=[pay, nap], approve="always")
"""


def test_kill_9_while_a_tool_runs(store: Store) -> None:
    """What was run is known, and each call has a result."""
    command = [sys.executable, "-c", IN_A_TOOL, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"napping\n"
        until = time.monotonic() + 10
        while store.count(HOME) == 0:
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    (turn,) = again(store).turns
    assert turn.response.incomplete_reason == "killed"
    assert [(each.name, each.result) for each in turn.response.steps[0].calls] == [
        ("pay", "paid"),
        ("nap", "cancelled: it was not run to its end"),
    ]
    assert [each.role for each in turn.messages()] == ["user", "assistant", "tool", "tool"]


def test_a_partial_answer_is_saved_when_the_model_falls_silent(store: Store) -> None:
    chat = chat_of(store, provider=ScriptedProvider(["one two three", 30.0]))
    with chat.stream("a") as stream:
        for _ in stream:
            break_at = time.monotonic() + 5
            while store.count(HOME) == 0:
                assert time.monotonic() < break_at
                time.sleep(0.05)
            break


def test_what_is_written_while_the_store_is_held_is_saved_in_order(store: Store) -> None:
    words = [f"{n} " for n in range(40)]
    steps = [step for word in words for step in (word, 0.05)]
    chat = chat_of(store)
    ask(chat, "first")
    chat.provider = ScriptedProvider([*steps, 30.0])
    holder = sqlite3.connect(store.path, isolation_level=None, timeout=10)
    sql = "SELECT text FROM pieces ORDER BY id"
    with chat.stream("a") as stream:
        for text in stream:
            if text == "5 ":
                holder.execute("BEGIN EXCLUSIVE")
            if text == "30 ":
                holder.execute("COMMIT")
            if text == "39 ":
                time.sleep(0.7)
                rows = store._writer.put(lambda c: c.execute(sql).fetchall()).result(10)
                break
    holder.close()
    saved = b"".join(text for (text,) in rows).decode()
    assert saved.split() == [str(n) for n in range(40)]


def child(store: Store, results: multiprocessing.Queue[object]) -> None:
    chat = chat_of(store, Home("/notes/child.ipynb", "/notes"))
    ask(chat, "from the child")
    results.put((len(chat.turns), store.told()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_reconnects(store: Store) -> None:
    chat = chat_of(store)
    ask(chat, "a")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    process = context.Process(target=child, args=(store, results))
    process.start()
    assert results.get(timeout=30) == (1, [])
    process.join(30)
    ask(chat, "b")
    assert again(store).turns == chat.turns
    assert len(again(store, Home("/notes/child.ipynb", "/notes")).turns) == 1


KILLED_AT_ONCE = """
import os, sys
from pathlib import Path
from cellmage import CellRef, Response, Turn
from cellmage.conversation.store import Home, Store, writer
writer.TICK = 0.01
store = Store(Path(sys.argv[1]))
turn = Turn("old", Response("", id="old"), CellRef("A", 0))
store.journal(Home("/notes/a.ipynb", "/notes")).begin(turn, lambda: Response("old"))
while not store.count(Home("/notes/a.ipynb", "/notes")): pass
os._exit(9)
"""


def test_what_was_killed_is_older_than_what_is_asked_since(store: Store) -> None:
    subprocess.run([sys.executable, "-c", KILLED_AT_ONCE, str(store.path)], check=False)
    chat = chat_of(store)
    ask(chat, "new", "A")
    ask(chat, "b", "B")
    assert chat.history.resume() == 2
    assert said(chat) == said(again(store)) == ["new", "b"]
    assert [turn.prompt for turn in chat.turns[0].previous_attempts] == ["old"]


def said(chat: Conversation) -> list[str]:
    return [turn.prompt for turn in chat.turns]


def test_a_killed_continuation_is_one_turn(store: Store) -> None:
    chat = chat_of(store)
    chat.provider = ScriptedProvider(["one ", IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "a", "c1")
    process = multiprocessing.get_context("fork").Process(target=go_on, args=(store,))
    process.start()
    while b"two" not in b"".join(
        text
        for (text,) in store._writer.put(
            lambda c: c.execute("SELECT text FROM pieces").fetchall()
        ).result(5)
    ):
        time.sleep(0.05)  # fmt: skip
    process.kill()
    process.join()
    fresh = again(store)
    assert [(turn.prompt, turn.response.text) for turn in fresh.turns] == [("a", "one two ")]
    assert fresh.turns[0].response.incomplete_reason == "killed"


def go_on(store: Store) -> None:
    chat = again(store)
    chat.provider = ScriptedProvider(["two ", 60.0])
    list(chat.continue_answer())


def test_nothing_kills_the_thread(store: Store) -> None:
    broken = chat_of(store, Home("/w/caf\udce9.ipynb", "/w"))
    ask(broken, "a")
    (line,) = store.told()
    assert line.startswith("a turn is not stored (")
    ask(chat_of(store), "b")
    assert store.count(HOME) == 1


def test_a_file_that_is_gone_or_another(store: Store) -> None:
    chat = chat_of(store)
    other = Store(store.path)
    beside = chat_of(other, Home("/notes/b.ipynb", "/notes"))
    ask(chat, "a1")
    ask(beside, "b1")
    for path in store.path.parent.iterdir():
        path.unlink()
    ask(chat, "a2")
    ask(beside, "b2")
    assert said(again(store)) == ["a2"]
    assert said(again(store, Home("/notes/b.ipynb", "/notes"))) == ["b2"]
    checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
    store._writer.put(lambda connection: connection.execute(checkpoint).fetchone()).result(5)
    store.path.write_bytes(b"junk" * 5000)
    for number in (3, 4):
        ask(chat, f"a{number}")
        ask(beside, f"b{number}")
    assert said(again(store))[-2:] == ["a3", "a4"]
    assert said(again(store, Home("/notes/b.ipynb", "/notes")))[-2:] == ["b3", "b4"]
    assert [path.name for path in store.path.parent.glob("*.damaged-?")] == ["turns.db.damaged-1"]
    other.close()


def test_a_number_that_was_taken_back(tmp_path: Path) -> None:
    """A reader of a disk without shared memory makes the commit fail: it is tried anew."""
    store = Store(tmp_path / "turns.db", "?vfs=unix-dotfile")
    ask(chat_of(store), "first")
    chat = chat_of(store, Home("/notes/b.ipynb", "/notes"))
    journal = chat.history.journal
    assert journal is not None
    failing = iter([True])

    def job(connection: sqlite3.Connection) -> None:
        with journal._writing(connection):  # type: ignore[attr-defined]
            if next(failing, False):
                raise sqlite3.OperationalError("as if busy")

    with pytest.raises(Exception, match="as if busy"):
        store._writer.put(job).result(5)
    ask(chat_of(store, Home("/notes/c.ipynb", "/notes")), "c")
    ask(chat, "b")
    fresh = chat_of(Store(store.path, "?vfs=unix-dotfile"), Home("/notes/b.ipynb", "/notes"))
    fresh.history.resume()
    assert said(fresh) == ["b"]
    store.close()


def test_two_kernels_of_one_notebook_double_nothing(store: Store) -> None:
    first, second = chat_of(store), chat_of(Store(store.path))
    ask(first, "Q1", "A")
    second.history.resume()
    ask(second, "Q1 again", "A")
    first.history.resume()
    assert said(first) == ["Q1 again"]
    second.history.drop(1)
    first.history.resume()
    assert said(first) == []


def test_an_attempt_is_not_imported_as_a_turn(store: Store) -> None:
    chat = chat_of(store)
    ask(chat, "a", "A")
    old = chat.turns
    ask(chat, "a again", "A")
    assert chat.history.extend(old) == 0
    assert again(store).turns == chat.turns


def test_a_session_of_a_terminal_stays_one(store: Store) -> None:
    terminal = Home(None, "/notes")
    chat = chat_of(store, terminal)
    ask(chat, "one")
    store.close()
    ask(chat, "two")
    assert said(again(store, terminal)) == ["one", "two"]
    ask(chat_of(Store(store.path), terminal), "another session")
    assert store.count(terminal) == 1


def test_attach_is_refused_where_there_are_turns(store: Store) -> None:
    old, new = Home("/notes/old.ipynb", "/notes"), Home("/notes/new.ipynb", "/notes")
    ask(chat_of(store, old), "main")
    ask(chat_of(store, Home(old.notebook, "/notes", "side")), "side")
    empty = chat_of(store, new)
    ask(empty, "gone")
    assert store.attach("/notes/old.ipynb", new) == 0
    assert store.count(old) == 1


def test_a_shorter_run_of_a_loop_without_resuming(store: Store) -> None:
    chat = chat_of(store)
    for number in range(3):
        ask(chat, f"p{number}", "L", number)
    chat = chat_of(Store(store.path))
    for number in range(2):
        ask(chat, f"n{number}", "L", number)
    chat.history.drop_from(CellRef("L", 2))
    assert said(again(store)) == ["n0", "n1"]


def test_an_import_comes_behind(store: Store) -> None:
    chat = chat_of(store)
    ask(chat, "a")
    old = Turn("b", Response("B1"))
    assert (
        chat.history.extend([Turn("b", Response("B2"), previous_attempts=(old,)), chat.turns[0]])
        == 1
    )
    assert [turn.prompt for turn in again(store).turns] == ["a", "b"]
    assert [turn.response.text for turn in again(store).turns[1].previous_attempts] == ["B1"]


def test_facts_that_cannot_be_read_cost_no_turn(store: Store) -> None:
    chat = chat_of(store)
    for prompt in ("one", "two", "three"):
        ask(chat, prompt)
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            "UPDATE turns SET facts = json_set(facts, '$.steps', json('[[\"\", [7]]]')) "
            "WHERE prompt = ?",
            (b"two",),
        )
    turns = again(store).turns
    assert [turn.response.text for turn in turns] == ["one", "two", "three"]
    assert [turn.response.id for turn in turns] == [turn.response.id for turn in chat.turns]


def test_tools_are_kept(store: Store) -> None:
    chat = Conversation(Options(model="offline/tools"), journal=store.journal(HOME))

    def add(a: int, b: int) -> int:
        return a + b

    chat.ask('add {"a": 1, "b": 2}', tools=[add], approve="always")
    assert again(store).turns == chat.turns
    assert again(store).turns[0].response.steps[0].calls[0].result == "3"
