"""A page that was loaded anew is told which answers it does not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.kernel.client import Run
from tests.kernel.notebooks import NotebookKernel, Start

LINE = "The page was loaded anew"


def save(path: Path, outputs: list[dict[str, Any]]) -> None:
    """Save the notebook as the page has it."""
    cell = new_code_cell("%%llm\none", id="c1")
    for output in outputs:
        data, metadata = output["data"], output["metadata"]
        cell.outputs.append(new_output("display_data", data=data, metadata=metadata))
    nbformat.write(new_notebook(cells=[cell]), path)


def run_in(kernel: NotebookKernel, session: str, code: str, cell: str) -> Run:
    """Run a cell from a page, which has a session of its own."""
    kernel.client.session.session = session
    return kernel.run(code, cell)


def half(run: Run) -> dict[str, Any]:
    """Return the output of a run as it was while the answer arrived."""
    own = run.outputs[0]["metadata"]["cellmage"]
    metadata = {"cellmage": {"id": own["id"], "part": 0, "live": True}}
    return {"data": {"text/markdown": "O▌"}, "metadata": metadata}


def test_a_new_page_is_told_once(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "reloaded.ipynb"
    save(path, [])
    kernel = start(path)
    whole = run_in(kernel, "first", "%%llm\none", "c1")
    save(path, whole.outputs)
    assert LINE not in run_in(kernel, "second", "1", "c2").printed, "the page shows it"

    run = run_in(kernel, "second", "%%llm\ntwo", "c3")
    save(path, [*whole.outputs, half(run)])
    assert LINE not in run_in(kernel, "second", "2", "c2").printed, "it has seen the rest"
    told = run_in(kernel, "third", "3", "c2").printed
    assert LINE in told
    assert "%llm_history --show 2" in told
    assert "--show 1" not in told
    assert LINE not in run_in(kernel, "third", "4", "c2").printed, "it is told once"

    kernel.run("%%llm\nthree", "c4")
    path.unlink()
    assert LINE not in run_in(kernel, "fourth", "5", "c2").printed, "nothing is known"
