"""Processes that are killed while they write an answer."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from cellmage.conversation.store import Store
from cellmage.errors import IncompleteResponseError
from cellmage.testing import ScriptedProvider
from tests.conversation.store.chats import (
    SCOPE,
    ask,
    open_chat,
    prompts,
    resume,
    start_process,
)

IN_MID_STREAM = """
import sys
from pathlib import Path
from cellmage import CellRef, Conversation, Options
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import ScriptedProvider
store = Store(Path(sys.argv[1]))
chat = Conversation(journal=store.journal(ConversationScope("/notes/a.ipynb", "/notes")))
chat.provider = ScriptedProvider(["whole"])
chat.ask("first")
chat.provider = ScriptedProvider([step for n in range(10_000) for step in (f"{n} ", 0.01)])
for text in chat.stream("second", cell=CellRef("c2", 0)):
    print(text, flush=True, end="")
"""


@pytest.mark.slow
def test_kill_9_in_mid_stream(store: Store) -> None:
    with start_process(IN_MID_STREAM, store.path) as process:
        assert process.stdout is not None
        printed = b""
        while len(printed.split()) < 200:
            printed += os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGKILL)
    chat = resume(store)
    assert prompts(chat) == ["first", "second"]
    response = chat.turns[1].response
    assert response.incomplete_reason == "killed"
    assert printed.decode().startswith(response.text[: len(printed)])
    # A word each 10 ms: one second.
    assert len(printed.split()) - len(response.text.split()) <= 100
    assert resume(store).turns == chat.turns


IN_A_TOOL = """
import sys, time
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.conversation.store import ConversationScope, Store

def pay() -> str:
    return "paid"

def nap() -> None:
    print("napping", flush=True)
    time.sleep(60)

store = Store(Path(sys.argv[1]))
scope = ConversationScope("/notes/a.ipynb", "/notes")
chat = Conversation(Options(model="offline/tools"), journal=store.journal(scope))
chat.ask("pay {} and nap {}", tools=[pay, nap], approve="always")
"""


@pytest.mark.slow
def test_kill_9_while_a_tool_runs(store: Store) -> None:
    """The calls that were run are stored, and each call has a result."""
    with start_process(IN_A_TOOL, store.path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"napping\n"
        deadline = time.monotonic() + 10
        while store.count_turns(SCOPE) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    (turn,) = resume(store).turns
    assert turn.response.incomplete_reason == "killed"
    assert [(call.name, call.result) for call in turn.response.steps[0].calls] == [
        ("pay", "paid"),
        ("nap", "cancelled: it was not run to its end"),
    ]
    assert [message.role for message in turn.messages()] == ["user", "assistant", "tool", "tool"]


AT_ONCE = """
import os, sys
from pathlib import Path
from cellmage import CellRef, Response, Turn
from cellmage.conversation.store import ConversationScope, Store
store = Store(Path(sys.argv[1]), autosave_seconds=0.01)
turn = Turn("old", Response("", id="old"), CellRef("A", 0))
scope = ConversationScope("/notes/a.ipynb", "/notes")
store.journal(scope).begin(turn, lambda: Response("old"))
while not store.count_turns(scope): pass
os._exit(9)
"""


@pytest.mark.slow
def test_a_killed_answer_is_older_than_the_questions_since(store: Store) -> None:
    start_process(AT_ONCE, store.path).communicate(timeout=60)
    chat = open_chat(store)
    ask(chat, "new", "A")
    ask(chat, "b", "B")
    assert chat.history.resume() == 2
    assert prompts(chat) == prompts(resume(store)) == ["new", "b"]
    assert [turn.prompt for turn in chat.turns[0].previous_attempts] == ["old"]


def continue_answer(store: Store) -> None:
    chat = resume(store)
    chat.provider = ScriptedProvider(["two ", 60.0])
    list(chat.continue_answer())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_killed_continuation_is_one_turn(store: Store) -> None:
    chat = open_chat(store)
    chat.provider = ScriptedProvider(["one ", IncompleteResponseError("gone")])
    with pytest.raises(IncompleteResponseError):
        ask(chat, "a", "c1")
    context = multiprocessing.get_context("fork")
    process = context.Process(target=continue_answer, args=(store,))
    process.start()
    while (b"two ",) not in store.execute("SELECT text FROM chunks"):
        time.sleep(0.05)
    process.kill()
    process.join()
    resumed = resume(store)
    assert [(turn.prompt, turn.response.text) for turn in resumed.turns] == [("a", "one two ")]
    assert resumed.turns[0].response.incomplete_reason == "killed"
