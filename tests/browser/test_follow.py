"""Follow: the end of an answer stays in view, until the user scrolls up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, Step
from tests.browser.conftest import Jupyter, Lab
from tests.browser.test_answer_bar import SHOTS, Bar, open_notebook, take_pictures
from tests.browser.test_notebook7 import set_auto_scroll
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

SCRIPT = (Path(__file__).parent / "scroll_recorder.js").read_text(encoding="utf-8")
WORDS = "Some *words* follow, and **more** of them. " * 8
PARTS = [
    "".join(f"## Section {n}\n\n{WORDS}\n\n" for n in range(first, first + 8))
    for first in (0, 8, 16, 24, 32)
]

# How far the end of the bar is below the end of what is in view: at each paint, and now.
WATCH = """() => {
  const below = () => {
    const bar = document.querySelectorAll('.jp-CodeCell')[1].querySelector('.cellmage-answer-bar');
    const box = scrollRecorder.scroller(1).getBoundingClientRect();
    return bar.getBoundingClientRect().bottom - box.bottom;
  };
  window.below = below;
  window.gaps = [];
  const record = () => {
    window.gaps.push(below());
    requestAnimationFrame(record);
  };
  requestAnimationFrame(record);
}"""
TOP = "scrollRecorder.scroller(1).scrollTop"


class Answer:
    """An answer in parts; each arrives when it is let through."""

    def __init__(self) -> None:
        self.gates = [threading.Event() for _ in PARTS]

    def steps(self) -> Iterator[Step]:
        for gate, part in zip(self.gates, PARTS, strict=True):
            gate.wait(60)
            yield from steps_of(part, 20, 0.004)[: None if part is PARTS[-1] else -2]


def let_through(lab: Lab, answer: Answer, part: int) -> None:
    """Let a part through, and wait until the page shows it and is at rest."""
    answer.gates[part].set()
    text = f"Section {part * 8 + 7}"
    lab.until(lambda: text in (lab.area(1).text_content() or ""))
    lab.page.wait_for_timeout(700)


@pytest.mark.parametrize("page", ["lab", "notebook"])
def test_the_end_stays_in_view_until_the_user_scrolls_up(
    lab: Lab, server: ScriptedServer, jupyter: Jupyter, page: str
) -> None:
    answer = Answer()
    server.play_with(lambda exchange: Reply(answer.steps()))
    set_auto_scroll(jupyter, False)
    lab.page.add_init_script(SCRIPT)
    open_notebook(lab, "%%llm --follow\nGo", *["1"] * 5, page=page)
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(1).click()
    lab.page.keyboard.press("Control+Enter")
    bar = Bar(lab, 1)
    bar.button("Follow").wait_for()
    let_through(lab, answer, 0)
    assert bar.button("Follow").get_attribute("aria-pressed") == "true"
    lab.page.evaluate(WATCH)
    let_through(lab, answer, 1)
    gaps = lab.page.evaluate("window.gaps")
    print(f"{page}: {len(gaps)} paints, the end was {max(gaps):.1f} px below the view")
    assert len(gaps) > 10
    assert max(gaps) <= 1

    box = lab.area(1).bounding_box()
    assert box
    lab.page.mouse.move(box["x"] + 100, 400)
    lab.page.mouse.wheel(0, -200)
    lab.page.wait_for_timeout(500)
    assert bar.button("Follow").get_attribute("aria-pressed") == "false"
    top = lab.page.evaluate(TOP)
    let_through(lab, answer, 2)
    assert lab.page.evaluate(TOP) == top, "never on by itself"

    bar.button("Follow").evaluate("button => button.click()")
    let_through(lab, answer, 3)
    assert lab.page.evaluate("window.below()") <= 1
    if SHOTS and page == "lab":
        take_pictures(lab, bar.root, "follow")
    lab.page.evaluate(f"{TOP} -= 150")  # as a scrollbar does
    lab.page.wait_for_timeout(300)
    top = lab.page.evaluate(TOP)
    let_through(lab, answer, 4)
    lab.until(lambda: lab.is_done(1))
    lab.page.wait_for_timeout(700)
    assert lab.page.evaluate(TOP) == top
    bar.button("Copy").wait_for()
    assert bar.button("Follow").count() == 0
