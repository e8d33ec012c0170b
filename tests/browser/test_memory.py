"""The conversation of a notebook in JupyterLab: run all, twice, and after a restart."""

from __future__ import annotations

import pytest

from cellmage.conversation.export import import_turns
from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

QUESTIONS = [f"Question {n}?" for n in range(1, 6)]


def run_all(lab: Lab) -> None:
    """Run all cells by the command of the menu, and wait for the number of the last one."""
    prompt = lab.page.locator(".jp-CodeCell .jp-InputPrompt").nth(7)
    before = prompt.text_content()
    lab.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    lab.until(lambda: prompt.text_content() not in (before, "[*]:"))


def history_lines(lab: Lab) -> list[str]:
    """Return the lines of the history cell, which is the last but one."""
    lines = lab.output(6).splitlines()
    return [line for line in lines if line.strip()[:1].isdigit()]


def test_a_save_in_mid_stream(lab: Lab, server: ScriptedServer) -> None:
    """The file contains the frame with the cursor; the next kernel has the complete answer."""
    words = [step for n in range(60) for step in (chunk(f"{n} "), 0.1)]
    server.play(*words, *answer("end"))
    lab.open("%load_ext cellmage", "%%llm --stream\nGo", "%llm_history --resume --show 1", "")
    lab.load()
    lab.run_next(1)
    lab.until(lambda: "5" in lab.output(1))
    (output,) = lab.save()
    assert "▌" in "".join(output["data"]["text/markdown"])
    lab.until(lambda: lab.is_done(1))
    lab.restart()
    lab.load()
    lab.until(lambda: "1 turn stored" in lab.output(0))
    lab.run_next(2)
    lab.until(lambda: "59 end" in lab.output(2))


def test_run_all_twice_and_after_a_restart(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(lambda exchange: Reply(answer(f"**Yes**, {exchange.messages[-1][1]}", 4)))
    questions = [f"%%llm --stream\n{question}" for question in QUESTIONS]
    lab.open("%load_ext cellmage", *questions, "%llm_history", "%llm_history --resume")
    for _ in range(2):
        run_all(lab)
        lab.until(lambda: len(history_lines(lab)) == 5)
    assert len(server.last.messages) == 9
    assert "Yes, Question 3?" in lab.output(3)
    lab.save()
    lab.restart()
    lab.run_next(0)
    lab.until(lambda: "5 turns stored for this notebook" in lab.output(0))
    lab.run_next(7)
    lab.until(lambda: "Resumed 5 turns" in lab.output(7))
    run_all(lab)
    lab.until(lambda: len(history_lines(lab)) == 5)
    assert len(server.last.messages) == 9
    lab.save()
    turns = import_turns(lab.file)
    assert [(turn.prompt, turn.response.text) for turn in turns] == [
        (question, f"**Yes**, {question}") for question in QUESTIONS
    ]
    assert [turn.cell and turn.cell.cell_id for turn in turns] == [f"cell{n}" for n in range(1, 6)]
