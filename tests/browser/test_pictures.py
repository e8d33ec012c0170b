"""The pictures of the docs, taken in JupyterLab: `make pictures`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, finish, tool_call
from tests.browser.conftest import Lab

PICTURES = os.environ.get("PICTURES", "")
"""The folder for them; without it nothing is taken."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not PICTURES, reason="make pictures takes them"),
]

SALES = """%load_ext cellmage
import pandas as pd
sales = pd.DataFrame({"month": ["Jan", "Feb", "Mar", "Apr"], "sold": [120, 131, 12, 128]})"""
CHECKED = """\
March is unusual: {{= sales.sold.min() }} were sold, where the other months have 126 on average.

```python
others = sales[sales.month != "Mar"].sold.mean()
print(round(others, 1))
```

The share of March, in per cent:

```python
100 * sales.sold.min() / totals
```
"""
SOURCES = """from cellmage import Document
def search(question):
    return [Document("Contract", "The first part is due on 3 March.", "contract.md"),
            Document("Minutes of 2 February", "Delivery moved to 10 March.", "minutes.md")]"""
ANSWERS = {
    "unusual": CHECKED,
    "promise": "It was promised for **10 March**, a week later than in the contract [1][2].",
    "gradient": "The **gradient** points to where a function grows fastest:\n\n"
    "$$\\nabla f = \\left(\\tfrac{\\partial f}{\\partial x},"
    " \\tfrac{\\partial f}{\\partial y}\\right)$$\n\nTo go down, walk against it.",
}


def reply(exchange: Exchange) -> Reply:
    prompt = exchange.messages[-1][1]
    if "rain" in prompt and exchange.body["messages"][-1]["role"] == "user":
        call = tool_call("delete_file", json.dumps({"path": "reports/old.csv"}))
        return Reply([call, finish("tool_calls"), DONE])
    return Reply(answer(next((t for word, t in ANSWERS.items() if word in prompt), "Done."), 30))


@pytest.fixture
def notebook(lab: Lab, server: ScriptedServer) -> Lab:
    server.play_with(reply)
    lab.page.set_viewport_size({"width": 900, "height": 800})
    return lab


def take(lab: Lab, name: str, place: Locator) -> None:
    """Take a picture of a part of the page, when nothing moves any more."""
    lab.page.mouse.move(0, 0)
    lab.page.wait_for_timeout(1_500)
    place.screenshot(path=Path(PICTURES) / f"{name}.png")


def cell(lab: Lab, number: int) -> Locator:
    return lab.page.locator(".jp-CodeCell").nth(number)


def ask(lab: Lab, number: int) -> None:
    lab.run_next(number)
    lab.until(lambda: lab.is_done(number))


def test_an_answer_that_was_checked(notebook: Lab) -> None:
    notebook.open(SALES, "%%llm --verify --live-numbers --attach sales\nWhich month is unusual?")
    notebook.load()
    ask(notebook, 1)
    notebook.area(1).locator("details summary").first.click()
    take(notebook, "checked", cell(notebook, 1))


def test_an_answer_with_sources(notebook: Lab) -> None:
    notebook.open("%load_ext cellmage", SOURCES, "%%llm --rag search\nWhat did we promise?")
    notebook.load()
    ask(notebook, 1)
    ask(notebook, 2)
    notebook.area(2).locator("details summary").click()
    take(notebook, "sources", cell(notebook, 2))


def test_the_buttons_below_an_answer(notebook: Lab) -> None:
    notebook.open("%load_ext cellmage", "%%llm\nWhat is a gradient?")
    notebook.load()
    ask(notebook, 1)
    ask(notebook, 1)
    take(notebook, "bar", cell(notebook, 1))


def test_the_question_about_a_call(notebook: Lab) -> None:
    define = 'def delete_file(path: str) -> str:\n    """Delete a file."""'
    notebook.open("%load_ext cellmage", define, "%%llm --tool delete_file\nClean up before rain.")
    notebook.load()
    ask(notebook, 1)
    notebook.run_next(2)
    notebook.page.locator(".cellmage-call").wait_for()
    take(notebook, "card", cell(notebook, 2))


def test_the_panel(notebook: Lab) -> None:
    notebook.open("%load_ext cellmage", "%llm_chat")
    notebook.load()
    notebook.run_next(1)
    panel = notebook.page.locator(".cellmage-chat")
    box = panel.get_by_label("Prompt")
    box.fill("What is a gradient?")
    box.press("Control+Enter")
    panel.get_by_text("walk against it").first.wait_for()
    take(notebook, "panel", panel)
