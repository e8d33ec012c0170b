"""Code of an answer in the next cell of JupyterLab, and the offer to fix an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

THEMES = ["JupyterLab Light", "JupyterLab Dark"]
ASK = "%%llm --code\nWrite x."


def texts(lab: Lab) -> list[str]:
    """Return the texts of the cells, without the one that JupyterLab adds at the end."""
    cells = (
        "jupyterapp.shell.currentWidget.content.widgets.map(each => each.model.sharedModel.source)"
    )
    sources: list[str] = lab.page.evaluate(cells)
    return [source for source in sources if source]


def answer_with(server: ScriptedServer, code: str) -> None:
    text = f"Take this:\n\n```python\n{code}\n```\n"
    server.play_with(lambda exchange: Reply(answer(text, 3)))


def run(lab: Lab, cell: int, shows: str) -> None:
    lab.run_next(cell)
    lab.until(lambda: shows in lab.output(cell) and lab.is_done(cell))


def set_text(lab: Lab, cell: int, text: str) -> None:
    lab.page.locator(".jp-CodeCell .cm-content").nth(cell).click()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type(text)


@pytest.mark.parametrize("theme", THEMES)
def test_code_in_the_next_cell(
    lab: Lab, server: ScriptedServer, theme: str, tmp_path: Path
) -> None:
    lab.open("%load_ext cellmage", ASK)
    lab.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    lab.load()
    answer_with(server, "x = 1\nprint('x is', x)")
    run(lab, 1, "Take this")
    lab.until(lambda: len(texts(lab)) == 3)
    assert texts(lab)[2] == "x = 1\nprint('x is', x)"
    run(lab, 2, "x is 1")

    answer_with(server, "x = 2\nprint('x is', x)")
    run(lab, 1, "+x = 2")
    lab.page.screenshot(path=tmp_path / "diff.png")
    assert len(texts(lab)) == 3, "it does not pile up"
    run(lab, 2, "This cell has the new code now")
    assert texts(lab)[2] == "x = 2\nprint('x is', x)"
    run(lab, 2, "x is 2")
    lab.page.screenshot(path=tmp_path / "replaced.png")

    set_text(lab, 2, "x = 7  # mine")
    lab.run_next()
    lab.until(lambda: not lab.output(2))
    answer_with(server, "x = 3")
    run(lab, 1, "You have changed the cell")
    lab.page.screenshot(path=tmp_path / "edited.png")
    assert texts(lab)[1:] == [ASK, "x = 7  # mine"]

    lab.page.locator(".jp-CodeCell .jp-InputPrompt").nth(2).click()
    lab.page.keyboard.press("d")
    lab.page.keyboard.press("d")
    lab.until(lambda: len(texts(lab)) == 2)
    run(lab, 1, "Take this")
    lab.until(lambda: len(texts(lab)) == 3)
    assert texts(lab)[1:] == [ASK, "x = 3"], "a deleted cell is put again"


@pytest.mark.parametrize("theme", THEMES)
def test_the_first_error_offers_to_fix_it(
    lab: Lab, server: ScriptedServer, theme: str, tmp_path: Path
) -> None:
    answer_with(server, "print('fixed')")
    lab.open("%load_ext cellmage", "1 / 0", "%llm_fix")
    lab.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    lab.load()
    run(lab, 1, "%llm_fix sends this error")
    lab.page.screenshot(path=tmp_path / "offer.png")
    run(lab, 2, "Take this")
    lab.until(lambda: len(texts(lab)) == 4)
    assert texts(lab)[3] == "print('fixed')"
    assert "1 / 0" in str(server.last.messages[-1][1])
