"""Images and files in the store: each is there once, and comes back with its turn."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given

from cellmage import CellRef, Image, Message, Response, Turn
from cellmage.content import Part, to_content
from cellmage.conversation.history import History
from cellmage.conversation.store import Store
from cellmage.conversation.store.database import MIGRATIONS, connect
from tests.attachments import ADDRESS, ANY_ATTACHED, IMAGE, OTHER_IMAGE, PDF
from tests.conversation.store.chats import (
    SCOPE_B,
    ask,
    open_chat,
    prompts,
    resume,
    start_process,
)
from tests.repetitions import repeat

CELL = CellRef("c1", 0)


def blobs(store: Store) -> list[str]:
    """Return the digests of what is stored."""
    return [digest for (digest,) in store.execute("SELECT digest FROM blobs")]


def turn_of(*parts: Part, response_id: str = "") -> Turn:
    return Turn.of(Message("user", parts), Response("Hello", id=response_id))


def test_an_image_is_stored_once(store: Store) -> None:
    chat = open_chat(store)
    for prompt in ("What is this?", "And this?"):
        chat.ask([prompt, IMAGE, PDF], cell=CELL)
    chat.ask([IMAGE, "again", ADDRESS])
    open_chat(store, SCOPE_B).ask(["In another notebook", IMAGE])
    assert sorted(blobs(store)) == sorted([IMAGE.digest, PDF.digest])
    resumed = resume(store)
    assert resumed.turns == chat.turns
    assert resumed.turns[0].previous_attempts[0].parts == ("What is this?", IMAGE, PDF)
    assert resumed.request("Next").messages[0].content == ("And this?", IMAGE, PDF)


@repeat(20)
@given(ANY_ATTACHED)
def test_any_parts_come_back_in_their_order(tmp_path: Path, parts: list[Part]) -> None:
    store = Store(tmp_path / "turns.db")
    chat = open_chat(store)
    history_turn = Turn.of(Message("user", to_content(parts)), Response("Hello"))
    chat.history.extend([history_turn])
    assert resume(store).turns[-1].parts == tuple(parts)
    store.close()


def test_a_cut_answer_that_is_continued_keeps_its_images(store: Store) -> None:
    cut = Turn.of(
        Message("user", ("Count", IMAGE)), Response("one ", incomplete_reason="length", id="cut")
    )
    chat = open_chat(store)
    chat.history.extend([cut])
    for _ in chat.continue_answer():
        pass
    assert [turn.parts for turn in resume(store).turns] == [("Count", IMAGE)]


def test_other_metadata_of_a_turn_survive_a_damaged_image(store: Store) -> None:
    chat = open_chat(store)
    chat.ask(["What is this?", IMAGE], system="Be brief.")
    ask(chat, "And now?")
    for damage in ("UPDATE blobs SET data = x'00'", "DELETE FROM blobs"):
        store.execute(damage)
        first, second = resume(store).turns
        assert (first.prompt, first.parts, first.system) == ("What is this?", (), "Be brief.")
        assert second.prompt == "And now?"


def test_a_file_of_the_release_before_is_brought_up_to_date(store: Store) -> None:
    store.path.parent.mkdir()
    connect(store.path, MIGRATIONS[:3]).close()
    chat = open_chat(store)
    chat.ask(["What is this?", IMAGE])
    assert resume(store).turns == chat.turns


@pytest.mark.parametrize("damaged", ["turns", "conversations"])
def test_a_damaged_file_is_read_with_its_images(store: Store, damaged: str) -> None:
    large = Image(OTHER_IMAGE.data + bytes(range(256)) * 100)  # longer than a page
    History(journal=store.journal(SCOPE_B)).extend(
        [turn_of("What is this?", large, IMAGE, response_id="1")]
    )
    store.close()
    with sqlite3.connect(store.path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (f"sqlite_autoindex_{damaged}_1",)
        ).fetchone()
    data = bytearray(store.path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    store.path.write_bytes(data)
    (turn,) = resume(store, SCOPE_B).turns
    assert turn.parts == ("What is this?", large, IMAGE)
    assert store.path.with_name("turns.db.damaged-1").exists()


KILLED = """
import sys
from pathlib import Path
from cellmage import CellRef, Conversation, Image
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import ScriptedProvider
from tests.attachments import IMAGE
store = Store(Path(sys.argv[1]))
chat = Conversation(journal=store.journal(ConversationScope("/notes/a.ipynb", "/notes")))
chat.provider = ScriptedProvider([step for n in range(10_000) for step in (f"{n} ", 0.01)])
for text in chat.stream(["What is this?", IMAGE], cell=CellRef("c2", 0)):
    print(text, flush=True, end="")
"""


@pytest.mark.slow
def test_a_killed_kernel_leaves_the_image_of_its_question(store: Store) -> None:
    with start_process(KILLED, store.path) as process:
        assert process.stdout is not None
        process.stdout.read(100)
        process.send_signal(signal.SIGKILL)
    (turn,) = resume(store).turns
    assert turn.response.incomplete_reason == "killed"
    assert turn.parts == ("What is this?", IMAGE)
    assert prompts(resume(store)) == ["What is this?"]
