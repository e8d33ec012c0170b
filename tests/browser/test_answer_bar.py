"""The bar below an answer in JupyterLab and in Notebook 7."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

import cellmage
from cellmage.testing import Reply, ScriptedServer, answer
from tests.browser.axe import find_violations
from tests.browser.conftest import Lab
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CELLMAGE_SHOTS", "")
"""A folder for pictures of the bar, to be looked at."""

BAR = ".cellmage-answer-bar"
LONG = "\n\n".join(f"Paragraph {n}: one *two* three four five six seven." for n in range(300))
SETTLE_MS = 700

# From the click to the moment when the bar says that the answer has ended.
STOP_MS = """() => new Promise((resolve) => {
  const bar = document.querySelector('.cellmage-answer-bar');
  const start = performance.now();
  new MutationObserver(() => {
    if (bar.querySelector('[data-name=copy]')) resolve(performance.now() - start);
  }).observe(bar, { childList: true, subtree: true });
  bar.querySelector('[data-name=stop]').click();
})"""

# How far what is below the bars moves.
WATCH_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push(entry.value);
  }).observe({ type: 'layout-shift', buffered: false });
}"""


class Bar:
    """The bar of a cell, as a user finds it."""

    def __init__(self, lab: Lab, cell: int) -> None:
        self.lab = lab
        self.cell = cell
        self.root = lab.page.locator(".jp-CodeCell").nth(cell).locator(BAR)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def answer(self) -> str:
        """Return what the cell shows above the bar."""
        shown = self.lab.area(self.cell).locator(".jp-OutputArea-child").all_inner_texts()
        return "\n".join(shown).strip()

    def wait(self, text: str) -> None:
        """Wait until nothing arrives, and the answer has a text."""
        expect(self.lab.area(self.cell)).to_contain_text(text, timeout=20_000)
        self.button("Copy").wait_for()


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


def copied(lab: Lab, button: Locator) -> str:
    lab.page.evaluate(
        "navigator.clipboard.writeText = async (text) => { window.copied = text; }; "
        "window.copied = null"
    )
    button.click()
    lab.page.wait_for_function("window.copied !== null")
    return str(lab.page.evaluate("window.copied"))


@pytest.mark.parametrize("page", ["lab", "notebook"])
def test_stop_and_continue(lab: Lab, server: ScriptedServer, page: str) -> None:
    server.play_each([Reply(steps_of(LONG, 20, 0.02)), Reply(answer("And *more*."))])
    open_notebook(lab, "%%llm\nGo", "print(len(_llm.text), _llm.incomplete_reason)", page=page)
    lab.run_next(1)
    bar = Bar(lab, 1)
    bar.button("Stop").wait_for()
    lab.page.get_by_text("Paragraph 1:").wait_for()
    took = lab.page.evaluate(STOP_MS)
    print(f"{page}: stop took {took:.0f} ms")
    assert took < 300
    lab.until(lambda: lab.is_done(1))
    assert "Paragraph 1:" in bar.answer()
    bar.button("Continue").click()
    bar.wait("And more.")
    expect(bar.button("Continue")).to_have_count(0)
    assert bar.answer().startswith("Paragraph 0: one two")
    assert bar.answer().endswith("And more.")
    outputs = lab.save(1)
    assert {mime for output in outputs for mime in output["data"]} == {
        "text/markdown",
        "text/plain",
    }
    assert "widget" not in lab.file.read_text()
    (turn,) = cellmage.read(lab.file)
    assert turn.response.text.endswith("And *more*.")
    assert turn.response.text.startswith("Paragraph 0: one *two*")


def test_versions(lab: Lab, server: ScriptedServer) -> None:
    """Retry, versions, copies, stale, fork; what is shown is what is sent, and is saved."""
    answers = iter(["First *one*", "Then", "Second *one*", "Sent", "Forked"])
    server.play_with(lambda exchange: Reply(answer(next(answers))))
    ask, later = "%%llm\nWhich?", "%%llm\nAnd?"
    open_notebook(lab, ask, later, "%%llm\nNow?", "%%llm --chat fork-1\nHere?")
    run(lab, 1)
    first = Bar(lab, 1)
    first.wait("First one")
    run(lab, 2)
    second = Bar(lab, 2)
    second.wait("Then")
    lab.page.wait_for_timeout(SETTLE_MS)
    lab.page.evaluate(WATCH_SHIFTS)
    first.button("Retry").click()
    expect(first.root).to_contain_text("2/2", timeout=20_000)
    assert first.answer() == "Second one"
    expect(second.root).to_contain_text("stale: ")
    lab.page.wait_for_timeout(SETTLE_MS)
    shifts = lab.page.evaluate("window.shifts")
    print("shifts", shifts)
    assert sum(shifts) <= 0.01
    assert copied(lab, first.button("Copy")) == "Second one"
    assert copied(lab, first.button("Copy as markdown")) == "Second *one*"

    take_pictures(lab, first.root)
    first.button("Earlier version").click()
    expect(first.root).to_contain_text("1/2")
    expect(lab.area(1)).to_contain_text("First one")
    run(lab, 3)
    sent = [text for role, text in server.exchanges[-1].messages if role == "assistant"]
    assert sent == ["First *one*", "Then"]
    turns = {turn.prompt: turn.response.text for turn in saved_turns(lab)}
    assert turns == {"Which?": "First *one*", "And?": "Then", "Now?": "Sent"}

    first.button("Fork").click()
    expect(first.root).to_contain_text("fork-1")
    run(lab, 4)
    sent = [text for role, text in server.exchanges[-1].messages if role == "assistant"]
    assert sent == ["First *one*"]


def take_pictures(lab: Lab, bar: Locator, name: str = "bar") -> None:
    """Check the bars with axe-core in both themes, in a wide and a narrow window."""
    for theme in ("light", "dark"):
        lab.page.evaluate(
            "(name) => jupyterapp.commands.execute('apputils:change-theme', { theme: name })",
            f"JupyterLab {theme.title()}",
        )
        lab.page.wait_for_selector(
            f"body[data-jp-theme-light={str(theme == 'light').lower()}]", state="attached"
        )
        for width in (1200, 500):
            lab.page.set_viewport_size({"width": width, "height": 700})
            lab.page.wait_for_timeout(SETTLE_MS)
            assert find_violations(lab.page, BAR) == []
            if SHOTS:
                lab.page.screenshot(path=f"{SHOTS}/{name}-{theme}-{width}.png")


def saved_turns(lab: Lab) -> list[cellmage.Turn]:
    lab.save(1)
    assert "widget" not in lab.file.read_text()
    return cellmage.read(lab.file)
