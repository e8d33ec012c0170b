"""A page that comes back: the whole answer is one command away, at whatever moment it was left."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from cellmage.testing import Reply, ScriptedServer, Step
from tests.browser.conftest import Lab
from tests.kernel.test_frames import steps_of
from tests.repetitions import sample

pytestmark = pytest.mark.browser

TEXT = (
    "".join(f"## Section {n}\n\n{'Some words follow. ' * 30}\n\n" for n in range(30)) + "The end."
)
WAIT_SECONDS = 0.002

IS_CONNECTED = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.session?.kernel?.connectionStatus === "connected";
}"""
"""Whether the page has the kernel: a cell that is run before that is not sent."""


def held(moment: int, is_left: threading.Event) -> Iterator[Step]:
    """Yield the text up to a moment, and the rest when the page was left."""
    yield from steps_of(TEXT[:moment], 20, WAIT_SECONDS)[:-2]
    is_left.wait(60)
    yield from steps_of(TEXT[moment:], 20, WAIT_SECONDS)


def leave(lab: Lab, how: str) -> None:
    """Reload the page, or close its tab and open the notebook in another one."""
    if how == "close":
        page = lab.page
        lab.page = page.context.new_page()
        page.close()
        lab.page.goto(f"{lab.url}/lab/tree/{lab.name}?reset")
    else:
        lab.page.on("dialog", lambda dialog: dialog.accept())
        lab.page.reload()
    lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    lab.until(lambda: lab.page.locator("#jp-main-statusbar").count() == 1)
    lab.until(lambda: lab.page.evaluate(IS_CONNECTED))


def run(lab: Lab, cell: int) -> str:
    lab.run_next(cell)
    lab.until(lambda: lab.is_done(cell))
    return lab.output(cell)


def is_whole(lab: Lab, cell: int) -> bool:
    text = lab.area(cell).text_content() or ""
    return text.count("The end.") == 1 and text.count("Section") == 30 and "▌" not in text


@pytest.mark.parametrize("number", sample(range(20), 2))
def test_the_line_the_command_and_keep_show_the_whole_answer(
    lab: Lab, server: ScriptedServer, number: int
) -> None:
    moment = random.Random(number).randrange(20, len(TEXT) - 100)
    is_left = threading.Event()
    server.play_with(lambda exchange: Reply(held(moment, is_left)))
    before = len(server.exchanges)
    lab.open("%load_ext cellmage", "%%llm --keep\nGo", "print(1)", "%llm_history --show 1")
    lab.load()
    lab.run_next()
    lab.until(lambda: "▌" in lab.output(1))
    shown = int(moment * 0.8) // 600
    lab.until(lambda: f"Section {shown}" in (lab.area(1).text_content() or ""))
    if number % 4 < 2:
        lab.save()  # now the file has the cursor
    leave(lab, ("reload", "close")[number // 10])
    is_left.set()
    assert "In[2]: %llm_history --show 1" in run(lab, 2)
    run(lab, 3)
    lab.until(lambda: is_whole(lab, 3))
    run(lab, 1)
    lab.until(lambda: is_whole(lab, 1))
    assert len(server.exchanges) == before + 1, "the model is not asked again"
