"""A notebook remembers its turns when its kernel ends: the cases that need a real kernel.

tests/magics/test_conversations.py has the others.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.kernel.client import Kernel, Run
from tests.kernel.notebooks import Start, last_questions, run_all, write_notebook
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.slow


def test_restart_resume_run_all(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    first = start(notebook)
    assert first.greeting == ""
    run_all(first)
    run_all(first)
    assert last_questions(server) == "abcde"
    first.close()
    second = start(notebook)
    assert second.greeting == (
        "5 turns stored for this notebook. To resume them, run: %llm_history --resume\n"
    )
    assert second.run("%llm_history --resume").printed == "Resumed 5 turns.\n"
    run = second.run("%llm_history --show 1")
    assert run.texts == ["A"]
    assert (
        second.run("%llm_history --show 9").error == "UsageError: there is no turn 9; there are 5"
    )
    assert second.run("%%llm\nnext", "f").ok
    assert last_questions(server) == "abcdenext"
    assert second.run("%llm_history --drop 6").ok
    run_all(second)
    assert last_questions(server) == "abcde"
    assert len(second.run("%llm_history").printed.splitlines()) == 6
    assert "1.2" in second.run("%llm_history --versions 1").printed


def test_a_renamed_notebook_goes_on(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    first = start(old)
    run_all(first)
    new = old.rename(tmp_path / "b.ipynb")
    assert first.run("%%llm\nwhile it runs", "f").ok
    assert last_questions(server) == "abcdewhile it runs"
    second = start(new)
    assert second.greeting == "This notebook was a.ipynb. Resumed its 6 turns.\n"
    assert second.run("%%llm\nnext", "g").ok
    assert last_questions(server) == "abcdewhile it runsnext"


def test_an_unattended_run_stores_nothing(start: Start, tmp_path: Path) -> None:
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    for _ in range(2):
        assert kernel.run("%%llm\nhi", allow_stdin=False).ok
    assert not (tmp_path / "data").exists()
    assert kernel.run("%llm_config --store on", allow_stdin=False).ok
    assert kernel.run("%%llm\nhi", allow_stdin=False).ok
    assert (tmp_path / "data" / "cellmage" / "conversations.db").exists()
    assert kernel.run("%reload_ext cellmage", allow_stdin=False).printed == ""


def test_silent_and_without_history(kernel: Kernel) -> None:
    """IPython's own history has nothing to do with ours."""
    for content in ({"silent": True}, {"store_history": False}):
        assert kernel.run("%llm hi", **content).ok
    assert len(kernel.run("%llm_history").printed.splitlines()) == 3


def test_kill_9_in_mid_stream(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    first = start(notebook)
    run_all(first, "a")
    server.play(*[step for n in range(900) for step in (chunk(f"{n} "), 0.033)])
    msg_id, run = first.start("%%llm\nb", "b"), Run()
    first.collect(msg_id, run, until="60 61")
    first.manager.signal_kernel(signal.SIGKILL)
    server.play(*answer("ok"))
    second = start(notebook)
    assert "2 turns stored" in second.greeting
    assert second.run("%llm_history --resume").ok
    assert second.run("%%llm\nnext", "c").ok
    (_, text) = server.last.messages[3]
    assert [role for role, _ in server.last.messages] == ["user", "assistant"] * 2 + ["user"]
    assert len(text.split()) >= 62 - 31
    assert text.split() == [str(n) for n in range(len(text.split()))]
    line = second.run("%llm_history").printed.splitlines()[2]
    assert line.split()[3] == "partial"


TURNS = (
    "[(t.prompt, t.response.text, t.response.reasoning, t.cell.cell_id, t.cell.index, "
    "t.response.id, t.system) for t in "
    "get_ipython().magics_manager.registry['LLMMagics'].chats.get({!r}).turns]"
)


def test_a_notebook_alone_gives_the_turns_back(
    kernel: Kernel, server: ScriptedServer, tmp_path: Path
) -> None:
    """From the outputs that a front end saved: loops, reasoning, parts, cut and continued."""
    text = "".join(f"## {n}\n\n{'word ' * 60}\n\n" for n in range(40))
    replies = {
        "cut": Reply([chunk("one "), chunk(finish_reason="length")]),
        "long": Reply(steps_of(text, 400, 0.001)),
        "think": Reply([chunk(reasoning_content="Hm."), *answer("So \x07 it is")]),
    }
    server.play_with(lambda exchange: replies.get(exchange.messages[-1][1]) or Reply(answer("two")))
    sources = {
        "a": "%%llm --system 'Be brief.'\ncut",
        "b": "%llm --continue",
        "c": "for word in ('think', 'third'):\n    %llm {{ word }}",
        "d": "1 + 1\n%llm long",
        "e": "%llm_history --show 1",
    }
    cells = []
    for cell, source in sources.items():
        run = kernel.run(source, cell)
        assert run.ok, run.error
        outputs = [{"output_type": "display_data", **output} for output in run.outputs]
        cells.append({"cell_type": "code", "id": cell, "source": source, "outputs": outputs})
    saved = tmp_path / "saved.ipynb"
    saved.write_text(json.dumps({"cells": cells}))
    run = kernel.run(f"%llm_history --new again\n%llm_history --chat again --import {saved}")
    assert run.printed.endswith("Imported 4 turns from saved.ipynb\n")
    old, new = kernel.value(TURNS.format(None)), kernel.value(TURNS.format("again"))
    assert [turn[:3] for turn in old] == [
        ("cut", "one two", ""), ("think", "So \x07 it is", "Hm."), ("third", "two", ""),
        ("long", text, ""),
    ]  # fmt: skip
    assert new == old
