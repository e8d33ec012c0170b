"""Proofs in JupyterLab: marks below blocks, computed figures, code of a tool, a proven fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, finish, tool_call
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

SETUP = "%load_ext cellmage\nprices = {'tea': 3, 'milk': 2}"
BLOCKS = """First:

```python
total = sum(prices.values())
print(total)
```

Then:

```python
total / count
```

It costs {{= sum(prices.values()) }}, and not 77.
"""
CODE = "total = sum(prices.values())\ntotal"


def shoot(lab: Lab, name: str, tmp_path: Path) -> None:
    """Take a picture of the page, light and dark."""
    for theme in ("Dark", "Light"):
        lab.page.evaluate(
            f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})"
        )
        lab.page.wait_for_timeout(500)
        lab.page.screenshot(path=tmp_path / f"{name}-{theme.lower()}.png")


def run(lab: Lab, cell: int, shows: str) -> None:
    lab.run_next(cell)
    lab.until(lambda: shows in lab.output(cell) and lab.is_done(cell))


def reply_with_tool(exchange: Exchange) -> Reply:
    if exchange.body["messages"][-1]["role"] == "tool":
        return Reply(answer("The total is there.", 3))
    return Reply([tool_call("python", json.dumps({"code": CODE})), finish("tool_calls"), DONE])


def test_proofs(lab: Lab, server: ScriptedServer, tmp_path: Path) -> None:
    lab.open(
        SETUP,
        "%%llm --verify --live-numbers\nGo",
        "%%llm --tool python --auto-approve\nGo",
        "total = prices['tee']",
        "%llm_fix",
    )
    lab.load()
    server.play_with(lambda exchange: Reply(answer(BLOCKS, 3)))
    run(lab, 1, "It costs 5, and not 77")
    area = lab.area(1)
    marks = area.locator("details summary")
    assert marks.all_inner_texts()[0].startswith("✓ ran in ")
    assert marks.all_inner_texts()[1] == "✗ failed: NameError: name 'count' is not defined"
    marks.nth(0).click()
    marks.nth(1).click()
    assert area.locator("details pre").all_inner_texts()[0].strip() == "5"
    assert area.locator("u").all_inner_texts() == ["77"]
    shoot(lab, "marks", tmp_path)

    server.play_with(reply_with_tool)
    run(lab, 2, "The total is there.")
    panel = lab.area(2).locator("details").first
    panel.locator("summary").click()
    assert panel.locator("pre span").count() > 3, "the code is highlighted"
    shoot(lab, "tool", tmp_path)

    lab.run_next(3)
    lab.until(lambda: "KeyError" in lab.output(3))
    answers = iter(["total = prices['tees']", "total = prices['tea']"])
    text = "So:\n\n```python\n{}\n```\n"
    server.play_with(lambda exchange: Reply(answer(text.format(next(answers)), 3)))
    run(lab, 4, "Proven: ran in the twin in ")
    assert "+total = prices['tea']" in lab.output(4)
    shoot(lab, "fix", tmp_path)
    sources = "jupyterapp.shell.currentWidget.content.widgets.map(w => w.model.sharedModel.source)"
    lab.until(lambda: "total = prices['tea']" in lab.page.evaluate(sources))
