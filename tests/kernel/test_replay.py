"""Lock files, recordings and replays in a kernel: notebooks that need no model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Run
from tests.kernel.notebooks import NotebookKernel, Start
from tests.repetitions import FACTOR

pytestmark = pytest.mark.slow

NOWHERE = "import os; del os.environ['OPENAI_API_KEY'], os.environ['OPENAI_BASE_URL']"


def ask(kernel: NotebookKernel, prompt: str, cell: str, flags: str = "") -> Run:
    return kernel.run(f"%%llm {flags}\n{prompt}", cell)


def test_a_lock_file_answers_without_a_key_and_does_not_change(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    lock = "%load_ext cellmage\n%llm_config --keep lock"
    kernel = start(tmp_path / "note.ipynb", lock)
    for number in range(3):
        assert ask(kernel, f"prompt {number}", f"c{number}").ok
    file = tmp_path / "note.llm.jsonl"
    before = file.read_bytes()
    assert [json.loads(line)["prompt"] for line in before.splitlines()] == [
        "prompt 0",
        "prompt 1",
        "prompt 2",
    ]
    # Another id of the cell, such as VS Code gives when it opens a notebook, and none at all.
    for notebook, cells in ((tmp_path / "note.ipynb", "xyz"), (None, None)):
        other = start(notebook, lock)
        other.run(NOWHERE)
        for number in range(3):
            run = ask(other, f"prompt {number}", cells and cells[number])
            assert run.ok, run.error
            assert run.texts[0] == f"PROMPT {number}"
    assert file.read_bytes() == before
    assert len(server.exchanges) == 3


def test_unused_answers_are_removed_on_request(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "tidy.ipynb", "%load_ext cellmage\n%llm_config --keep lock")
    ask(kernel, "old", "c1")
    ask(kernel, "new", "c1")
    file = tmp_path / "tidy.llm.jsonl"
    assert file.read_bytes().count(b"\n") == 2
    kernel = start(tmp_path / "tidy.ipynb", "%load_ext cellmage\n%llm_config --keep lock")
    refused = kernel.run("%llm_config --remove-unused")
    assert "no answer of this file was used yet" in refused.error
    ask(kernel, "new", "c1")
    printed = kernel.run("%llm_config --remove-unused").printed
    assert printed == "1 answer was removed from tidy.llm.jsonl; 1 are left.\n"
    assert [json.loads(line)["prompt"] for line in file.read_text().splitlines()] == ["new"]
    kernel.run("%llm_config --keep off")
    assert "needs a file" in kernel.run("%llm_config --remove-unused").error


def test_fresh_and_no_keep_with_a_lock_file(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "fresh.ipynb", "%load_ext cellmage\n%llm_config --keep lock")
    for flags, requests in (("", 1), ("", 1), ("--fresh", 2), ("--no-keep", 3), ("", 3)):
        assert ask(kernel, "Hi", "c1", flags).ok
        assert len(server.exchanges) == requests, flags


def test_record_then_replay_then_record_what_is_missing(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "rec.ipynb")
    assert kernel.run("%llm_config --record rec.jsonl").printed == (
        "Now set: replay —, record rec.jsonl.\n"
    )
    assert ask(kernel, "How high is it in Brest?", "c1").ok
    kernel.run("%llm_config --replay rec.jsonl")
    assert ask(kernel, "How high is it in Brest?", "c1").texts == ["HOW HIGH IS IT IN BREST?"]
    run = ask(kernel, "How high is it in Oslo?", "c1")
    assert run.reply["traceback"] == [
        "ReplayError: the recording has no answer to this prompt: since the nearest one, "
        "the prompt changed: … it in [-Brest?-] {+Oslo?+}"
    ]
    assert len(server.exchanges) == 1
    kernel.run("%llm_config --record missing")
    assert ask(kernel, "How high is it in Oslo?", "c1").ok
    assert ask(kernel, "How high is it in Brest?", "c1").ok
    assert len(server.exchanges) == 2
    kernel.run("%llm_config --replay off")
    assert ask(kernel, "How high is it in Oslo?", "c1").ok
    assert len(server.exchanges) == 3


def test_files_that_cannot_be_used_are_one_line(start: Start, tmp_path: Path) -> None:
    kernel = start(tmp_path / "bad.ipynb")
    for flags, error in (
        ("--replay gone.jsonl", "UsageError: there is no gone.jsonl to replay"),
        ("--record missing", "UsageError: --record missing needs a file: --replay FILE"),
        ("--replay a.jsonl --record b.jsonl", "UsageError: --record b.jsonl does not go with"),
        ("--remove-unused", "UsageError: --remove-unused needs a file"),
    ):
        assert kernel.run(f"%llm_config {flags}").error.startswith(error)
    (tmp_path / "damaged.jsonl").write_text("{\n")
    printed = kernel.run("%llm_config --replay damaged.jsonl").printed
    assert "line 1 of damaged.jsonl cannot be read: it is not complete JSON" in printed
    assert kernel.value("get_ipython().magics_manager.registry['LLMMagics'].replay")


CELLS = [
    "%load_ext cellmage\nimport random\ndef dice(sides: int) -> int:\n"
    "    'Throw a dice.'\n    return random.randint(1, sides)\n"
    "def area(width: float, height: float) -> float:\n"
    "    'Return an area.'\n    return width * height",
    "%%llm --tool dice --auto-approve --stats\nThrow the dice.",
    "%%llm\nWhat did you throw?",
    "%%llm --no-history\nThink it over.",
    "for name in ('a', 'b'):\n    %llm --no-history The same in a loop",
    "%%llm --tool dice --tool area --auto-approve\nThrow two, and multiply.",
    "%%llm --json --out value --no-history\nA list of numbers, please.",
    "import cellmage\nchat = cellmage.Conversation(cellmage.Options(model='m'))\n"
    "chat.ask('From Python', tools=[area], approve='always').text",
    "%%llm --out text --code\nWrite code.",
    "value, text, _llm.usage, _llm.timings, _llm.id, chat.turns[-1].response.id",
]


def reply(exchange: Any) -> Reply:
    """Reason, call the tools that there are once, and answer."""
    messages = exchange.body["messages"]
    thought = chunk(reasoning_content=f"{len(messages)} messages so far. ")
    tools = [tool["function"]["name"] for tool in exchange.body.get("tools", ())]
    arguments = {"dice": '{"sides": 1000000}', "area": '{"width": 3, "height": 4}'}
    if tools and messages[-1]["role"] == "user":
        calls = [tool_call(name, arguments[name], index) for index, name in enumerate(tools)]
        return Reply([thought, chunk("Let me see. "), *calls, finish("tool_calls"), DONE])
    results = [each["content"] for each in messages if each["role"] == "tool"]
    is_json = "list of numbers" in messages[-1]["content"]
    text = "[1, 2, 3]" if is_json else f"**Done** {results}\n\n```python\nx = 1\n```\n"
    return Reply([thought, *answer(text, 5)])


def run_notebook(kernel: NotebookKernel) -> bytes:
    """Run the notebook, and return what its file would have of its outputs."""
    outputs: list[Any] = []
    for cell in CELLS:
        run = kernel.run(cell)
        assert run.ok, run.error
        shown = [[output["data"], output["metadata"]] for output in run.outputs]
        printed = [message.content for message in run.of_type("stream", "execute_result")]
        outputs.append([shown, [{**each, "execution_count": 0} for each in printed]])
    return json.dumps(outputs, sort_keys=True).encode()


def run_nbval(folder: Path, environ: dict[str, str]) -> str:
    """Save the notebook with the outputs of a replay, and compare them with those of another."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **environ}
    client = NotebookClient(notebook, record_timing=False)
    with client.setup_kernel(env=environ, cwd=str(folder)):
        for index, cell in enumerate(cells):
            client.execute_cell(cell, index, store_history=False)
    nbformat.write(notebook, folder / "ten.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:langsmith_plugin", "--nbval"]
    result = subprocess.run(
        [*command, "ten.ipynb"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout


def test_a_recorded_notebook_is_replayed_byte_by_byte(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.play_with(reply)
    file = tmp_path / "ten.llm.jsonl"
    environ = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
    kernel = NotebookKernel(tmp_path, environ | {"CELLMAGE_RECORD": str(file)})
    try:
        run_notebook(kernel)
    finally:
        kernel.close()
    requests, recorded = len(server.exchanges), file.read_bytes()
    assert recorded.count(b"\n") == 9
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "CELLMAGE_REPLAY": str(file)}
    replays = set()
    for _ in range(2 if FACTOR == 1 else 20):
        kernel = NotebookKernel(tmp_path, environ)
        try:
            replays.add(run_notebook(kernel))
        finally:
            kernel.close()
    assert len(replays) == 1
    assert "10 passed" in run_nbval(tmp_path, environ)
    assert b"messages so far" in replays.pop()
    assert (len(server.exchanges), file.read_bytes()) == (requests, recorded)


def test_the_prompt_of_an_error_is_the_same_in_each_kernel(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    for _ in range(2):
        kernel = start(tmp_path / "error.ipynb", "%load_ext cellmage\n%llm_config --keep off")
        kernel.run("try:\n    [][0]\nexcept IndexError as problem:\n    error = problem", "c0")
        assert ask(kernel, "Correct it.", "c1", "--no-history --attach error").ok
        kernel.close()
    first, second = (exchange.messages[-1][1] for exchange in server.exchanges)
    assert 'File "a cell", line 2' in first
    assert first == second
