"""``%llm_status`` in a real kernel: which answers of the notebook are out of date, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.kernel.client import Kernel
from tests.kernel.notebooks import Start


def status(kernel: Kernel, flags: str = "") -> dict[str, tuple[str, str]]:
    """The state of each prompt, and why, by the question."""
    run = kernel.run(f"status_rows = %llm_status {flags}", "st-status")
    assert run.ok, run.error
    rows = kernel.value("[dict(row) for row in status_rows]")
    return {row["question"]: (row["state"], row["why"]) for row in rows}


@pytest.fixture
def notebook(kernel: Kernel, server: ScriptedServer) -> Kernel:
    """A notebook with three prompts, of which the second has a value."""
    server.play_with(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))
    kernel.run("%llm_config -m old")
    kernel.run("st_n = 4")
    kernel.run("%%llm\nOne", "st-one")
    kernel.run("%%llm\nTwo {{ st_n + 1 }}", "st-two")
    kernel.run("%%llm\nThree", "st-three")
    return kernel


FRESH = ("fresh", "—")


def test_nothing_has_changed(notebook: Kernel, server: ScriptedServer) -> None:
    count = len(server.exchanges)
    assert status(notebook) == {"One": FRESH, "Two 5": FRESH, "Three": FRESH}
    assert "3 fresh." in notebook.run("%llm_status", "st-status").printed
    assert len(server.exchanges) == count


def test_a_value_changed_and_the_cells_after_it(notebook: Kernel) -> None:
    notebook.run("st_n = 5")
    states = status(notebook)
    assert states["One"] == FRESH
    assert states["Two 5"] == ("stale", "the prompt changed")
    name = notebook.value("status_rows[1]['cell']")
    count = notebook.value("max(n for n, s in enumerate(In) if 'Two {{ st_n' in s)")
    assert name == f"[{count}]", "as the page numbers it"
    assert states["Three"] == ("stale", f"cell {name} would be asked again")
    printed = notebook.run("%llm_status", "st-status").printed
    assert "2 stale, 1 fresh. Asking these 2 prompts again: about " in printed
    assert "free of charge" in printed


def test_the_model_the_system_prompt_and_the_prompt_changed(notebook: Kernel) -> None:
    notebook.run("%llm_config -m new")
    assert status(notebook)["One"] == ("stale", "the model was old")
    notebook.run("%llm_config -m old --system Briefly")
    assert status(notebook)["One"] == ("stale", "the system prompt changed")
    notebook.run("%llm_config --reset -m old")
    notebook.run("%%llm --dry-run\nOne, edited", "st-one")
    assert status(notebook)["One"] == ("stale", "the prompt changed")


def test_an_earlier_cell_was_run_again(notebook: Kernel) -> None:
    notebook.run("%%llm\nOne", "st-one")
    states = status(notebook)
    assert states["One"] == FRESH
    assert states["Two 5"] == ("stale", "an earlier cell was run again")


def test_cut_unasked_and_failing_prompts(notebook: Kernel, server: ScriptedServer) -> None:
    notebook.run("%%llm --modle x\nMisspelled", "st-misspelled")
    notebook.run("x = = 1\n%llm Not Python", "st-python")
    notebook.run("%%llm\nMissing {{ st_missing }}", "st-missing")
    notebook.run("for st_i in range(2):\n    %llm Loop {{ st_i }}", "st-loop")
    server.play(chunk("Half an ans"), end="truncate")
    notebook.run("%%llm\nCut", "st-cut")
    states = status(notebook)
    assert states["Cut"][0] == "partial"
    assert states["Missing {{ st_missing }}"] == ("never asked", "—")
    assert "did you mean --model" in states["Misspelled"][1]
    assert states[""] == ("unknown", "its prompts are not known: it is not Python")
    assert "asked in a loop" in states["Loop 1"][1]
    assert states["Three"] == FRESH


def test_a_call_is_not_run_for_the_status(notebook: Kernel) -> None:
    notebook.run("st_calls = []\ndef st_f():\n    st_calls.append(1)\n    return 1")
    notebook.run("%%llm\nCall {{ st_f() }}", "st-call")
    assert status(notebook)["Call 1"] == ("unknown", "st_f() is known when the cell is run")
    assert notebook.value("st_calls") == [1]


def test_values_are_compared_where_answers_are_kept(notebook: Kernel) -> None:
    notebook.run("st_list = [1, 2]")
    notebook.run("%%llm\nNot kept {{ st_list }}", "st-list")
    (why,) = [why for text, (_, why) in status(notebook).items() if "Not kept" in text]
    assert why == "what st_list was then is not known: its answer is not kept"
    notebook.run("%llm_config --keep on")
    notebook.run("%%llm\nKept {{ st_list }}", "st-kept")
    (found,) = [found for text, found in status(notebook).items() if "Kept [1, 2]" in text]
    assert found == FRESH
    notebook.run("st_list.append(3)")
    (found,) = [found for text, found in status(notebook).items() if "Kept [1, 2]" in text]
    assert found[0] == "stale"
    assert found[1].startswith("st_list")


def test_an_earlier_answer_changed_nothing_where_it_is_the_same(notebook: Kernel) -> None:
    """With kept answers, the turns that are sent are compared, and not only marked."""
    notebook.run("%llm_config --keep on")
    for name in ("one", "two", "three"):
        notebook.run(f"%%llm\nAgain {name}", f"st-again-{name}")
    notebook.run("%%llm --fresh\nAgain one", "st-again-one")
    states = status(notebook)
    assert states["Again two"] == FRESH
    assert states["Again three"] == FRESH


@pytest.mark.slow
def test_the_cells_of_the_saved_notebook(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    sources = {"a": "%%llm\nOne", "b": "%%llm\nTwo", "c": "x = 1"}
    cells = [
        {"cell_type": "code", "id": name, "source": source, "outputs": [], "metadata": {}}
        for name, source in sources.items()
    ]
    path = tmp_path / "status.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
    kernel = start(path)
    kernel.run("%llm_config -m m --keep on")
    kernel.run("%%llm\nOne", "a")
    assert status(kernel) == {"One": FRESH, "Two": ("never asked", "—")}
    again = start(path)
    again.run("%llm_config -m m --keep on", "c")
    assert status(again) == {"One": FRESH, "Two": ("never asked", "—")}, "its answer is kept"


def test_other_conversations(notebook: Kernel) -> None:
    notebook.run("%llm_history --new st-talk")
    notebook.run("%%llm --chat st-talk\nTalk", "st-talk-cell")
    assert "Talk" not in status(notebook)
    assert status(notebook, "--chat st-talk") == {"Talk": FRESH}
    notebook.run("%%llm --no-history\nAlone", "st-alone")
    assert status(notebook)["Alone"] == ("never asked", "—")


def test_a_notebook_without_prompts(offline: Kernel) -> None:
    run = offline.run("%llm_status", "st-status")
    assert "No prompt cells are known" in run.printed
