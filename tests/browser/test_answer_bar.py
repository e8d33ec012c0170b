"""The bar below an answer in JupyterLab and in Notebook 7."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish
from tests.browser.conftest import Lab
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CELLMAGE_SHOTS", "")
"""A folder for pictures of the bar, to be looked at."""

LONG = "\n\n".join(f"Paragraph {n}: one *two* three four five six seven." for n in range(300))

# From the click to the moment when the bar says that the answer has ended.
STOP_MS = """() => new Promise((resolve) => {
  const bar = document.querySelector('.cellmage-answer-bar');
  const start = performance.now();
  new MutationObserver(() => {
    if (bar.querySelector('[data-name=copy]')) resolve(performance.now() - start);
  }).observe(bar, { childList: true, subtree: true });
  bar.querySelector('[data-name=stop]').click();
})"""


def bar(lab: Lab, cell: int) -> Locator:
    return lab.page.locator(".jp-CodeCell").nth(cell).locator(".cellmage-answer-bar")


def button(lab: Lab, cell: int, name: str) -> Locator:
    return bar(lab, cell).get_by_role("button", name=name, exact=True)


def open_notebook(lab: Lab, *cells: str, page: str = "lab") -> None:
    lab.open("%load_ext cellmage", *cells)
    if page == "notebook":
        lab.page.goto(f"{lab.url}/notebooks/{lab.name}")
        lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        lab.page.wait_for_selector(".jp-NotebookKernelStatus-fade", state="attached")
    lab.load()


def run(lab: Lab, cell: int) -> None:
    lab.run_next(cell)
    lab.until(lambda: lab.is_done(cell))


def echo(server: ScriptedServer, change: Callable[[str], str] = str.upper) -> None:
    server.play_with(lambda exchange: Reply(answer(change(str(exchange.messages[-1][1])))))


@pytest.mark.parametrize("page", ["lab", "notebook"])
def test_stop_while_it_streams(lab: Lab, server: ScriptedServer, page: str) -> None:
    server.play(*steps_of(LONG, 20, 0.02))
    open_notebook(lab, "%%llm\nGo", "print(len(_llm.text), _llm.incomplete_reason)", page=page)
    lab.run_next(1)
    button(lab, 1, "Stop").wait_for()
    lab.page.get_by_text("Paragraph 1:").wait_for()
    took = lab.page.evaluate(STOP_MS)
    lab.until(lambda: lab.is_done(1))
    assert took < 300
    print(page, "stop took", took)
    assert "Paragraph 1:" in lab.output(1)
