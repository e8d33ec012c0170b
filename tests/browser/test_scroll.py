"""A reader keeps the place: no message of ours moves what is on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from cellmage.testing import DONE, ScriptedServer, finish
from tests.browser.conftest import Jupyter, Lab
from tests.browser.test_notebook7 import set_auto_scroll
from tests.kernel.test_frames import steps_of
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.browser

SCRIPT = (Path(__file__).parent / "scroll_recorder.js").read_text(encoding="utf-8")

STILL = """
.jp-WindowedPanel-outer::after, .jp-Notebook-footer { display: none !important }
.jp-Notebook-cell:not(:nth-child(2)) { display: none }
"""
"""The empty space and the cells below the answer, which any output that grows moves."""


def essay(count: int) -> str:
    words = "More *words* follow, and **some** of them are `code`. " * 8
    return "".join(f"## Section {n}\n\n{words}\n\n" for n in range(count))


def code(count: int) -> str:
    rows = "".join(f"value_{n} = compute({n})  # row {n}\n" for n in range(count))
    return f"## Section 0\n\nThe code:\n\n```python\n{rows}```\n\nThat is it.\n"


def formulas(count: int) -> str:
    math = r"$$\int_0^{n} \frac{x^2}{1 + x^{n}}\,dx = \sum_k \hat\beta_k$$"
    return "".join(f"Formula {n} is $x_{n}^2$:\n\n{math}\n\n" for n in range(count))


def mixed(count: int) -> str:
    table = "| name | value |\n|---|---|\n" + "| alpha | `one` |\n" * 3
    return "".join(
        f"## Section {n}\n\n- a point\n  - below it\n- one more\n\n{table}\n> Said once.\n\n"
        for n in range(count)
    )


TEXTS = {
    "essay": essay(45),
    "code": code(300),
    "formulas": formulas(40),
    "mixed": mixed(40),
    "short": essay(7),
}
PAGES = {"lab": "lab/tree", "notebook": "notebooks"}
READERS = ["follows", "above"]

CASES = list(product(TEXTS, READERS, PAGES))
FEW = [("essay", "follows", "lab"), ("formulas", "above", "notebook")]


def open_page(lab: Lab, page: str) -> None:
    lab.page.add_init_script(SCRIPT)
    lab.open("%load_ext cellmage", "%%llm\nGo", "1")
    lab.page.goto(f"{lab.url}/{PAGES[page]}/{lab.name}")
    lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    lab.load()
    lab.page.add_style_tag(content=STILL)


def read_along(lab: Lab, is_over: Callable[[], bool]) -> None:
    """Scroll to the end, again and again, as a reader does who follows."""
    while not is_over():
        lab.page.evaluate("scrollRecorder.follow(1)")
        lab.page.wait_for_timeout(100)


def movement(tops: list[float | None]) -> float:
    """Return by how many pixels the word was away from its place, at the most."""
    seen = [top for top in tops if top is not None]
    assert len(seen) == len(tops) > 10, "the word is on the page in each frame"
    return max(abs(top - seen[0]) for top in seen)


@pytest.mark.parametrize("case", CASES if IS_STRESS else FEW, ids="-".join)
def test_no_message_moves_a_reader(
    lab: Lab, server: ScriptedServer, jupyter: Jupyter, case: tuple[str, str, str]
) -> None:
    text, reader, page = case
    answer = TEXTS[text]
    *steps, _, _ = steps_of(answer, 20, 0.004)
    server.play(*steps, 2.5, finish(), DONE)
    set_auto_scroll(jupyter, False)
    open_page(lab, page)
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(1).click()
    lab.page.keyboard.press("Control+Enter")
    last = answer.split()[-1].strip("*`$.")

    def has_caught_up() -> bool:
        return last in (lab.area(1).text_content() or "")[-200:] and not is_done()

    def is_done() -> bool:
        return lab.is_done(1)

    size = len(answer) // 3 if reader == "above" else 0
    lab.until(lambda: len(lab.area(1).text_content() or "") > max(size, 200))
    if reader == "follows":
        seconds = len(answer) / 20 * 0.004 + 1.2
        ends = lab.page.evaluate("performance.now()") + seconds * 1000
        read_along(lab, lambda: lab.page.evaluate("performance.now()") > ends)
        lab.page.wait_for_timeout(300)
    else:
        lab.page.evaluate("scrollRecorder.scroller(1).scrollTop = 300")
        lab.page.wait_for_timeout(200)
    assert not is_done()
    word = lab.page.evaluate("last => scrollRecorder.choose(1, last)", reader == "follows")
    assert word
    lab.page.evaluate("word => { scrollRecorder.shifts = []; scrollRecorder.watch(1, word) }", word)
    lab.until(is_done)
    lab.page.wait_for_timeout(2_000)
    tops, shifts = lab.page.evaluate("[scrollRecorder.tops, scrollRecorder.shifts]")
    moved, shift = movement(tops), sum(value for _, value, _ in shifts)
    print(f"{case}: {word} moved {moved} px, shift {shift:.4f}, {json.dumps(shifts[:3])}")
    assert moved == 0
    assert shift <= 0.01
