"""tests/data/jupyter_cases.json: what front ends and kernels do, with a real kernel.

`ELSEWHERE` names the tests of the cases that are not here, `IN_DOCS` the cases that cannot run
here: docs/front-ends.md describes them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.defined_tests import defined_tests
from tests.kernel.client import Kernel, Run
from tests.kernel.notebooks import Start, write_notebook

DATA = json.loads((Path(__file__).parent.parent / "data/jupyter_cases.json").read_text())
CASES = {case["id"]: case for case in DATA["cases"]}

ELSEWHERE = {
    "sync_magic_streaming": "test_keeps_the_partial_answer",
    "await_streaming": "test_await_in_a_cell_can_be_interrupted",
    "worker_thread_close": "test_close_from_another_thread",
    "no_leak": "test_many_interrupts",
    "same_display_id_twice": "test_fresh_display_ids_in_every_run",
    "rate_limit_bytes": "test_after_a_flood_the_last_frame_is_on_the_page_and_in_the_file",
    "reload_mid_stream": "test_a_reload_in_mid_stream_loses_the_frames_but_not_the_answer",
    "autosave_mid_stream": "test_a_save_in_mid_stream",
    "plain_terminal": "test_urls_are_shown",
    "silent_and_no_history": "test_silent_and_without_history",
    "same_id_two_notebooks": "test_a_copy_starts_fresh",
}
IN_DOCS = {"windows", "papermill", "voila"}


def test_every_case_is_somewhere() -> None:
    here, docs = Path(__file__).read_text(), Path("docs/front-ends.md")
    docs = Path(__file__).parents[2] / docs
    for name in CASES:
        if name in ELSEWHERE:
            assert ELSEWHERE[name] in defined_tests(), name
        elif name in IN_DOCS:
            assert name.casefold() in docs.read_text().casefold()
        else:
            assert name in here.replace("IN_DOCS", ""), name


# Interrupts.


def test_sync_magic_retry_sleep(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(status=429, headers={"retry-after": "50"}, content_type="application/json")
    msg_id, run = kernel.start("%%llm\nGo"), Run()
    kernel.collect(msg_id, run, until="asking again in 4")
    pressed = time.monotonic()
    kernel.interrupt()
    run = kernel.finish(msg_id, run)
    assert run.reply_time - pressed < 2
    assert run.error == "KeyboardInterrupt: stopped by you; no text had arrived"


def test_interrupt_mode_message(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(chunk("one two"), end="hang")
    msg_id, run = kernel.start("%%llm\nGo"), Run()
    kernel.collect(msg_id, run, frames=1)
    kernel.control("interrupt_request")
    run = kernel.finish(msg_id, run)
    assert run.error.startswith("KeyboardInterrupt: stopped by you; 7 characters")


def together(kernel: Kernel, msg_ids: list[str]) -> list[Run]:
    """The runs of several requests at once."""
    runs = {msg_id: Run() for msg_id in msg_ids}
    waiting = {(msg_id, kind) for msg_id in msg_ids for kind in ("reply", "idle")}
    while waiting:
        for get in (kernel.client.get_iopub_msg, kernel.client.get_shell_msg):
            try:
                raw: dict[str, Any] = get(timeout=0.05)
            except Exception:  # noqa: BLE001 - queue.Empty, of another module in each release
                continue
            parent = raw["parent_header"].get("msg_id")
            if parent not in runs:
                continue
            if raw["msg_type"] == "execute_reply":
                runs[parent].reply = raw["content"]
                waiting.discard((parent, "reply"))
            else:
                runs[parent].messages.append(kernel.message(raw))
                if raw["content"].get("execution_state") == "idle":
                    waiting.discard((parent, "idle"))
    return [runs[msg_id] for msg_id in msg_ids]


def own_lines(run: Run) -> list[str]:
    """What a run prints, but for a line of IPython before 9: two threads meet in its history."""
    lines = run.printed.splitlines()
    return [line for line in lines if not line.startswith("ERROR! Session/line number")]


def test_two_subshells_at_once(kernel: Kernel, server: ScriptedServer) -> None:
    """subshell; two_cells_two_subshells: each answer in its own cell, both turns whole."""
    server.play_with(
        lambda exchange: Reply([
            step for piece in exchange.messages[-1][1] * 40 for step in (chunk(piece), 0.005)
        ] + answer(""))
    )  # fmt: skip
    shells = [kernel.control("create_subshell_request")["subshell_id"] for _ in range(2)]
    msg_ids = [
        kernel.start(f"%%llm\n{letter}", letter, subshell=shell)
        for letter, shell in zip("ab", shells, strict=True)
    ]
    runs = together(kernel, msg_ids)
    assert [run.texts[-1] for run in runs] == ["a" * 40, "b" * 40]
    lines = [line for run in runs for line in own_lines(run)]
    assert lines == ["The stop button does not reach subshells; %llm_stop in another cell does."]
    turns = kernel.run("%llm_history").printed.splitlines()[1:]
    assert sorted(line.split()[-1][0] for line in turns) == ["a", "b"]


def test_stopping_a_subshell(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(chunk("one two"), end="hang")
    shell = kernel.control("create_subshell_request")["subshell_id"]
    msg_id = kernel.start("%%llm\nGo", "c1", subshell=shell)
    while not server.exchanges:
        time.sleep(0.01)
    time.sleep(0.3)
    assert own_lines(kernel.run("%llm_stop")) == ["Stopped 1 answer."]
    together(kernel, [msg_id])
    assert server.last.finished.wait(5)
    assert kernel.value("(_llm.text, _llm.incomplete_reason)") == ("one two", "closed")
    assert kernel.run("%llm_stop").printed == "No answer is streaming.\n"


# Where output goes.


def test_task_later_cell(kernel: Kernel, server: ScriptedServer) -> None:
    """A task prints in the cell that started it; set_parent_reset: in no other cell."""
    server.play(*[step for _ in range(10) for step in (chunk("word "), 0.05)], *answer("end"))
    code = (
        "import asyncio\nfrom cellmage import Conversation\n"
        "async def go():\n"
        "    async for text in Conversation().astream('Go'): print(text)\n"
        "task = asyncio.create_task(go())"
    )
    first = kernel.start(code)
    kernel.finish(first)
    second = kernel.start("await task\nprint('mine')")
    other, late = Run(), []
    while "mine" not in other.printed:
        raw = kernel.client.get_iopub_msg(timeout=20)
        parent = raw["parent_header"].get("msg_id")
        if raw["msg_type"] == "stream":
            (late if parent == first else other.messages).append(kernel.message(raw))
    assert "end" in "".join(message.content["text"] for message in late)
    assert "word" not in other.printed
    kernel.finish(second)


def test_output_widget(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer("**shown**"))
    code = (
        "import ipywidgets\nout = ipywidgets.Output()\n"
        "with out:\n    get_ipython().run_cell_magic('llm', '--out text', 'Go')"
    )
    assert kernel.run(code).ok
    assert kernel.value("text") == "**shown**"


# Execution.


@pytest.mark.slow
def test_nbclient(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is in the output, once; a failure makes the run fail."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000")
    server.play(*answer("**done**", 2))
    cells = [new_code_cell("%load_ext cellmage"), new_code_cell("%%llm --stream\nGo")]
    notebook = new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[1].outputs
    assert output.data["text/markdown"] == "**done**"
    assert notebook.cells[0].outputs == []
    nbformat.validate(notebook)
    server.play(status=401, content_type="application/json")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="the key was refused"):
        nbclient.NotebookClient(notebook, kernel_name="python3").execute()


@pytest.mark.slow
def test_restart_grace(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    kernel = start(notebook)
    server.play(chunk("one two three"), end="hang")
    msg_id, run = kernel.start("%%llm\nGo", "a"), Run()
    kernel.collect(msg_id, run, until="three")
    kernel.manager.shutdown_kernel(now=False)
    again = start(notebook)
    assert "1 turn stored" in again.greeting
    again.run("%llm_history --resume")
    assert "one two three" in again.run("%llm_history --verbose").printed
    assert "partial" in again.run("%llm_history").printed


# Ids of cells.

METADATA = [
    case["metadata"] for case in DATA["cases"] if case["group"] == "cell_id" and "metadata" in case
]
# cell_id_3, cell_id_4, cell_id_7 and cell_id_8, and others of their kinds.
METADATA += [
    {},
    {"cellId": ""},
    {"cellId": 5},
    {"cellId": None},
    {"cellId": ["a"]},
    {"cellId": "x"},
]


@pytest.mark.parametrize("metadata", METADATA, ids=lambda metadata: repr(metadata)[:30])
def test_ids_of_cells(kernel: Kernel, server: ScriptedServer, metadata: Any) -> None:
    """A non-empty string of at most 512 characters is a key; anything else is none."""
    ids = [(metadata or {}).get(name) for name in ("cellId", "cell_id")]
    is_key = any(isinstance(value, str) and 0 < len(value) <= 512 for value in ids)
    for _ in range(2):
        assert kernel.finish(kernel.start("%%llm\nGo", metadata=metadata or {})).ok
    assert len(kernel.run("%llm_history").printed.splitlines()) == (2 if is_key else 3)


def test_vscode_id_changes(kernel: Kernel, server: ScriptedServer) -> None:
    """Another id is another cell: never a silent replacement."""
    for key in (
        "vscode-notebook-cell:/a.ipynb#W0sZmlsZQ",
        "vscode-notebook-cell:/a.ipynb#X1sZmlsZQ",
    ):
        assert kernel.run("%%llm\nGo", key).ok
    assert len(kernel.run("%llm_history").printed.splitlines()) == 3
