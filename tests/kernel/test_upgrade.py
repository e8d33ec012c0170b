"""``%llm_upgrade`` in a real kernel: the notebook's prompts, asked again with another model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.kernel.notebooks import Start

pytestmark = pytest.mark.slow

CODE = "```python\nx = {}\n```"
ANSWERS = {
    "old": {"Text": "It is 4.", "Value": '{"n": 1}', "Code": CODE.format("1")},
    "new": {"Text": "It  is 4.", "Value": '{"n": 2}', "Code": "Sure:\n" + CODE.format("1 # one")},
}


def reply(exchange: Exchange) -> Reply:
    word = exchange.messages[-1][1].split()[0]
    text = ANSWERS[exchange.body["model"]].get(word, f"{word}!")
    return Reply(answer(text))


@pytest.fixture
def upgraded(kernel: Kernel, server: ScriptedServer) -> Kernel:
    """The kernel of a notebook with three prompts to the old model."""
    server.play_with(reply)
    kernel.run("%llm_config -m old")
    kernel.run("%%llm\nText {{ 1 + 1 }}", "up-text")
    kernel.run("%%llm --json --out up_value\nValue", "up-value")
    kernel.run("%%llm --code\nCode", "up-code")
    assert kernel.value("up_value") == {"n": 1}
    return kernel


def answers(kernel: Kernel) -> list[str]:
    chats = "get_ipython().magics_manager.registry['LLMMagics'].chats"
    texts: list[str] = kernel.value(f"[t.response.text for t in {chats}.get(None).turns]")
    return texts


def test_the_report_changes_nothing(upgraded: Kernel, server: ScriptedServer) -> None:
    state = "(_llm.text, up_value, [n for n in globals() if n[0] != '_'])"
    before = answers(upgraded), upgraded.value(state)
    run = upgraded.run("%llm_upgrade new", "up-run")
    assert run.ok, run.error
    assert "3 prompts for new: about " in run.printed
    assert "free of charge" in run.printed
    assert "1 answer changed" in run.printed
    assert "value: n: 1 → 2" in run.printed
    assert "2 answers are the same" in run.printed
    assert server.last.messages[0] == ("user", "Text 2")
    assert (answers(upgraded), upgraded.value(state)) == before


def test_take_makes_the_answers_those_of_the_cells(
    upgraded: Kernel, server: ScriptedServer
) -> None:
    upgraded.run("%llm_upgrade new", "up-run")
    count = len(server.exchanges)
    run = upgraded.run("%llm_upgrade --take", "up-take")
    assert "Took 3 answers" in run.printed
    assert len(server.exchanges) == count, "the answers of the report are taken"
    assert answers(upgraded) == list(ANSWERS["new"].values())
    assert upgraded.value("up_value") == {"n": 1}
    assert "It is 4." in upgraded.run("%llm_history --versions 1", "up-versions").printed
    upgraded.run("%%llm -m new\nNext", "up-next")
    assert server.last.messages[3][1] == ANSWERS["new"]["Value"]
    assert "name the model" in upgraded.run("%llm_upgrade --take", "up-take").error


def test_one_line_asks_and_takes(upgraded: Kernel) -> None:
    assert "Took 3 answers" in upgraded.run("%llm_upgrade new --take", "up-run").printed
    assert answers(upgraded) == list(ANSWERS["new"].values())


def test_prompts_with_tools_are_left_out(upgraded: Kernel, server: ScriptedServer) -> None:
    def with_tool(exchange: Exchange) -> Reply:
        if exchange.messages[-1][1] == "Tool":
            return Reply([tool_call("up_tool", "{}"), finish("tool_calls"), DONE])
        return Reply(answer("It ran.")) if exchange.messages[-1][0] == "tool" else reply(exchange)

    server.play_with(with_tool)
    upgraded.run("up_calls = []\ndef up_tool() -> str:\n    up_calls.append(1)\n    return 'ran'")
    upgraded.run("%%llm --tool up_tool --auto-approve\nTool", "up-tool")
    assert upgraded.value("up_calls") == [1]
    run = upgraded.run("%llm_upgrade new", "up-run")
    assert "1 prompt was left out" in run.printed
    assert "--tools asks" in run.printed
    assert upgraded.value("up_calls") == [1]
    run = upgraded.run("%llm_upgrade new --tools --auto-approve", "up-run")
    assert "3 answers are the same" in run.printed
    assert upgraded.value("up_calls") == [1, 1]


def test_a_cell_that_cannot_be_understood_is_left_out(upgraded: Kernel) -> None:
    upgraded.run("for word in 'ab':\n    %llm {{ word }}\n%llm Another", "up-loop")
    upgraded.run("%%llm --schema UpSchema\nValue", "up-value")
    run = upgraded.run("rows = %llm_upgrade new", "up-run")
    assert run.ok, run.error
    table = upgraded.value("[row['answer'] for row in rows]")
    assert sum("the cell has a loop" in words for words in table) == 3
    assert any("UpSchema is not defined" in words for words in table)


def test_an_interrupt_shows_what_there_is(upgraded: Kernel, server: ScriptedServer) -> None:
    def slow(exchange: Exchange) -> Reply:
        is_slow = exchange.messages[-1][1].startswith("Code")
        return Reply([chunk("Half"), 30.0]) if is_slow else reply(exchange)

    server.play_with(slow)
    msg_id = upgraded.start("%llm_upgrade new", "up-run")
    run = upgraded.collect(msg_id, Run(), until="2 of 3")
    upgraded.interrupt()
    run = upgraded.finish(msg_id, run)
    assert run.reply["ename"] == "KeyboardInterrupt"
    assert "1 prompt was not asked" in run.printed
    assert answers(upgraded) == list(ANSWERS["old"].values())
    server.play_with(reply)
    count = len(server.exchanges)
    run = upgraded.run("%llm_upgrade new", "up-run")
    assert len(server.exchanges) == count + 1, "the run goes on"
    assert "value: n: 1 → 2" in run.printed


def test_what_cannot_be_asked_is_said(kernel: Kernel, server: ScriptedServer) -> None:
    assert "no turns yet" in kernel.run("%llm_upgrade new").error
    assert "name the model" in kernel.run("%llm_upgrade").error
    assert "takes one model" in kernel.run("%llm_upgrade new other").error
    assert "is no amount of dollars" in kernel.run("%llm_upgrade new --budget 0").error


def test_a_model_with_a_price_needs_a_budget(offline: Kernel) -> None:
    """Nothing is sent: there is no server, and the estimate alone is shown."""
    offline.run("%llm_config -m offline/echo")
    offline.run("%%llm\nHello", "up-hello")
    offline.run("%env OPENAI_API_KEY=sk-test-0000")
    run = offline.run("%llm_upgrade openai/gpt-4o-mini", "up-run")
    assert run.ok, run.error
    assert "1 out; < $0.000001." in run.printed
    assert "Nothing was asked. --budget 2.00" in run.printed
    assert (
        "price of this model is not known"
        in offline.run("%llm_upgrade openai/no-such-model --budget 1", "up-run").error
    )


def test_taken_answers_are_stored(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "id": "a", "source": "%%llm\nText", "outputs": [], "metadata": {}}
    ]
    notebook = tmp_path / "up.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
    kernel = start(notebook)
    server.play_with(lambda exchange: Reply(answer(f"By {exchange.body['model']}")))
    kernel.run("%%llm -m old\nText", "a")
    assert "Took 1 answer" in kernel.run("%llm_upgrade new --take", "b").printed
    again = start(notebook, "%load_ext cellmage\n%llm_config --resume always")
    assert answers(again) == ["By new"]
    assert "By old" in again.run("%llm_history --versions 1", "c").printed


@pytest.mark.parametrize("keep", ["on", "lock"])
def test_taken_answers_are_kept(
    start: Start, server: ScriptedServer, tmp_path: Path, keep: str
) -> None:
    sources = {
        "a": "%%llm\nText",
        "b": "rows = [1, 2]",
        "c": "%%llm -t 0.5 --interpolate\nOf {{ rows }}",
    }
    cells = [
        {"cell_type": "code", "id": name, "source": source, "outputs": [], "metadata": {}}
        for name, source in sources.items()
    ]
    notebook = tmp_path / "kept.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
    server.play_with(lambda exchange: Reply(answer(f"By {exchange.body['model']}")))

    def run_all(model: str) -> Kernel:
        kernel = start(notebook, f"%load_ext cellmage\n%llm_config --keep {keep} --model {model}")
        for name, source in sources.items():
            assert kernel.run(source, name).ok
        return kernel

    kernel = run_all("old")
    assert "Took 2 answers" in kernel.run("%llm_upgrade new --take", "t").printed
    count = len(server.exchanges)
    kernel.close()
    again = run_all("new")
    assert len(server.exchanges) == count == 4
    assert again.value("_llm.text") == "By new"
    again.run("rows.append(3)", "d")
    again.run(sources["c"], "c")
    assert len(server.exchanges) == count + 1


def test_a_replay_is_not_upgraded(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    kernel = start(tmp_path / "r.ipynb", "%load_ext cellmage\n%llm_config --record r.llm.jsonl")
    kernel.run("%%llm\nHi", "a")
    kernel.run("rows = ['a', 'b']\n%llm_config --store off", "b")
    assert kernel.run("%%llm --each rows --out o\nRow {{ row }}", "c").ok
    kernel.run("%llm_config --replay r.llm.jsonl\nrows.append('c')", "d")
    count = len(server.exchanges)
    kernel.run("%%llm --each rows --out o\nRow {{ row }}", "c")
    assert kernel.value("[type(each.error).__name__ for each in o]")[2:] == ["ReplayError"]
    assert kernel.value("[each.response.text for each in list(o)[:2]]") == ["ROW A", "ROW B"]
    assert "answers are replayed" in kernel.run("%llm_upgrade new", "e").error
    assert len(server.exchanges) == count
