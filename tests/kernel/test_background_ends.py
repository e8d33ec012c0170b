"""A kernel that ends settles its answers in the background: what had arrived is in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage.testing import Exchange, Reply, ScriptedServer, answer, chunk
from tests.kernel.notebooks import Start, write_notebook
from tests.kernel.test_background import Page


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True], ids=["shutdown", "kill"])
def test_what_had_arrived_is_in_the_store(
    tmp_path: Path,
    start: Start,
    server: ScriptedServer,
    is_killed: bool,
) -> None:
    def reply(exchange: Exchange) -> Reply:
        if "now" in exchange.messages[-1][1]:
            return Reply(answer("at once", 1))
        return Reply([chunk("half "), chunk("of it")], end="hang")

    server.play_with(reply)
    notebook = write_notebook(tmp_path / "bg.ipynb", [f"bg{n}" for n in range(12)])
    kernel = start(notebook)
    page = Page(kernel)
    asked = [page.run(f"%%llm --background\nfirst {n}", f"bg{n}") for n in range(10)]
    page.run("%%llm\nnow", "bg10")
    page.read_until(lambda: all("half of it" in str(run.outputs) for run in asked[:8]))
    page.run("import time; time.sleep(1.2)", "bg11")  # an autosave, for the kill
    kernel.manager.shutdown_kernel(now=is_killed)
    kernel = start(notebook)
    kernel.run("%llm_history --resume")
    turns = kernel.value(
        "[(t.prompt, t.response.text, t.state) for t in "
        "get_ipython().magics_manager.registry['LLMMagics'].chats.get(None).turns]"
    )
    partial = [(f"first {n}", "half of it", "partial") for n in range(8)]
    assert turns == [*partial, ("now", "at once", "complete")]
