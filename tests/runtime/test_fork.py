"""A forked process: it is told that it cannot read on, it can ask anew, and disturbs nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
from cellmage import Conversation, Options
from cellmage.testing import DONE, ScriptedServer, chunk, finish

with ScriptedServer() as server:
    words = [f"word{n} " for n in range(20)]
    server.play(*[step for word in words for step in (chunk(word), 0.05)], finish(), DONE)
    os.environ.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY="none")
    chat = Conversation(Options(model="gpt-4o"))
    texts = iter(chat.stream("Go"))
    received = [next(texts)]
    if os.fork() == 0:
        try:
            list(texts)
        except Exception as error:
            print(error, flush=True)
        print(Conversation(Options(model="offline/echo")).ask("child").text, flush=True)
        os._exit(0)
    os.wait()
    received += texts
    print(received == words, chat.turns[0].response.text == "".join(words), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_reads_on() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.stdout.splitlines() == [
        "this answer is read by the process that asked for it; ask anew in a forked one",
        "child",
        "True True",
    ], result.stderr


LEAVING_PROGRAM = """
import os, sys, time
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import DONE, ScriptedServer, chunk, finish

path, scope = Path(sys.argv[1]), ConversationScope("/notes/a.ipynb", "/notes")
store = Store(path, autosave_seconds=0.1)
with ScriptedServer() as server:
    words = [f"word{n} " for n in range(20)]
    server.play(*[step for word in words for step in (chunk(word), 0.05)], finish(), DONE)
    os.environ.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY="none")
    stream = Conversation(Options(model="gpt-4o"), journal=store.journal(scope)).stream("Go")
    texts = iter(stream)
    next(texts)
    for leave in (stream.close, texts.close):
        if os.fork() == 0:
            leave()
            time.sleep(2)  # the parent has stored the whole turn before
            os._exit(0)
    list(texts)
    for _ in range(2):
        os.wait()
    store.close()
chat = Conversation(journal=Store(path).journal(scope))
chat.history.resume()
print([turn.response.text == "".join(words) for turn in chat.turns], flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_children_that_leave(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", LEAVING_PROGRAM,
         str(tmp_path / "turns.db")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.stdout.splitlines() == ["[True]"], result.stderr
