"""Random damage of the file: what SQLite's own recovery reads is read, and nothing is deleted.

``make stress`` damages 500 files. The judge is the ``.recover`` of the program sqlite3.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cellmage import CellRef, Response, Turn
from cellmage.conversation.history import History
from cellmage.conversation.store import Store
from tests.conversation.store.chats import SCOPE, SCOPE_B, ask, open_chat, prompts, resume
from tests.repetitions import FACTOR

DAMAGES = 50 * FACTOR
TURNS = 40
PAGE = 4096
COLUMNS = ("prompt", "text", "metadata", "state", "position", "cell_id", "stale", "changed_at")


def make_turn(number: int) -> Turn:
    """Return a turn; some are longer than a page."""
    text = f"answer {number} " * (number * 7 % 1000)
    return Turn(f"question {number}", Response(text, id=f"t{number}"), CellRef(f"c{number}", 0))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the turns of two notebooks."""
    store = Store(tmp_path_factory.mktemp("whole") / "turns.db")
    for scope, numbers in ((SCOPE, range(TURNS)), (SCOPE_B, range(TURNS, 2 * TURNS))):
        History(journal=store.journal(scope)).extend(map(make_turn, numbers))
    store.close()
    return store.path


# Damages.


def change_bytes(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 3, 30])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(data)


def change_pages(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 2, 4])):
        start = chance.randrange(len(data) // PAGE) * PAGE
        data[start : start + PAGE] = chance.choice([bytes(PAGE), chance.randbytes(PAGE)])
    path.write_bytes(data)


def change_rows(path: Path, chance: random.Random) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _ in range(chance.choice([1, 5])):
            value = chance.choice([b"\xff\xfe", "x", 7, -1, 1.5])
            connection.execute(
                f"UPDATE OR IGNORE turns SET {chance.choice(COLUMNS)} = ? WHERE response_id = ?",
                [value, f"t{chance.randrange(2 * TURNS)}"],
            )


def truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def replace_by_junk(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(chance.randrange(1, 50_000)))


DAMAGE = [change_bytes, change_bytes, change_pages, change_pages, change_rows, truncate]
DAMAGE += [replace_by_junk]


def recover(path: Path, folder: Path) -> set[str]:
    """Return the ids of the live turns of both notebooks that SQLite's recovery reads unchanged."""
    result = folder / "recovered.db"
    script = subprocess.run(
        ["sqlite3", str(path), ".recover"], capture_output=True, check=False
    ).stdout
    subprocess.run(["sqlite3", str(result)], input=script, capture_output=True, check=False)
    select = (
        "SELECT response_id, prompt, text FROM turns JOIN conversations AS c "
        "ON c.id = conversation_id WHERE state = 'live' AND typeof(position) = 'integer' "
        "AND notebook IN (?, ?) AND chat = '' ORDER BY position"
    )
    with closing(sqlite3.connect(result)) as connection:
        connection.text_factory = lambda text: text.decode(errors="replace")
        try:
            rows = connection.execute(select, [SCOPE.notebook, SCOPE_B.notebook]).fetchall()
        except sqlite3.OperationalError:  # there is no such table any more
            return set()
    originals = {turn.response.id: turn for turn in map(make_turn, range(2 * TURNS))}
    return {
        response_id
        for response_id, prompt, text in rows
        if (original := originals.get(response_id))
        and (prompt, text) == (original.prompt.encode(), original.response.text.encode())
    }


def load(store: Store) -> set[str]:
    return {
        turn.response.id
        for scope in (SCOPE, SCOPE_B)
        for turn in store.journal(scope).load()[0]
        for turn in (turn, *turn.previous_attempts)
    }


def is_kept(damaged: bytes, folder: Path) -> bool:
    return any(path.read_bytes() == damaged for path in folder.glob("turns.db*"))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("sqlite3"), reason="the judge is the program sqlite3")
@pytest.mark.parametrize("group", range(10))
def test_random_damage(whole: Path, tmp_path: Path, group: int) -> None:
    for seed in range(group, DAMAGES, 10):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        path = Path(shutil.copy(whole, folder / "turns.db"))
        damage: Callable[[Path, random.Random], None] = chance.choice(DAMAGE)
        damage(path, chance)
        before = path.read_bytes()
        expected = recover(path, folder)
        store = Store(path)
        loaded = load(store)
        store.execute("SELECT 1")
        messages = store.pending_messages()
        case = (seed, damage.__name__, sorted(expected - loaded), messages)
        assert expected <= loaded, case
        assert messages or len(loaded) == 2 * TURNS, case
        assert len(list(folder.glob("*.damaged-?"))) == 0 or is_kept(before, folder), case
        ask(open_chat(store), "new")
        assert prompts(resume(store))[-1:] == ["new"], (*case, store.pending_messages())
        store.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", [b"\xff\xfe", "x", 7])
def test_a_damaged_row_costs_no_other_one(store: Store, column: str, value: object) -> None:
    chat = open_chat(store)
    for number in range(5):
        ask(chat, f"q{number}", f"c{number}")
    store.execute(f"UPDATE turns SET {column} = ? WHERE cell_id = 'c2'", [value])
    reader = Store(store.path)
    chat = open_chat(reader)
    chat.history.resume()
    others = [prompt for prompt in prompts(chat) if prompt in ("q0", "q1", "q3", "q4")]
    assert others == ["q0", "q1", "q3", "q4"]
    assert len(chat.turns) == 5 or len(reader.pending_messages()) == 1
    assert store.execute("SELECT count(*) FROM turns") == [(5,)]
    reader.close()
