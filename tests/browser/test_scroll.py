"""A reader keeps the place: no message of ours moves what is on the screen."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, Step
from tests.browser.conftest import Jupyter, Lab
from tests.browser.test_notebook7 import set_auto_scroll
from tests.kernel.test_frames import steps_of
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.browser

SCRIPT = (Path(__file__).parent / "scroll_recorder.js").read_text(encoding="utf-8")

MARK = re.compile(r"\b(?:Section|row|Formula) \d+\b")
"""What the recorder looks for on the screen."""

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


def held(text: str, moment: int, is_watched: threading.Event) -> Iterator[Step]:
    """Yield the text up to a moment, and the rest and the end when the recorder is ready."""
    yield from steps_of(text[:moment], 20, 0.004)[:-2]
    is_watched.wait(60)
    yield from steps_of(text[moment:], 20, 0.004)


def read_on(lab: Lab, reader: str) -> bool:
    """Scroll to the end, as a reader does who follows, or stay further up."""
    if reader == "follows":
        lab.page.evaluate("scrollRecorder.follow(1)")
    else:
        lab.page.evaluate("scrollRecorder.scroller(1).scrollTop = 300")
    return True


def movement(tops: list[float | None]) -> float:
    """Return by how many pixels the word was away from its place, at the most."""
    seen = [top for top in tops if top is not None]
    assert len(seen) == len(tops) > 10, "the word is on the page in each frame"
    return max(abs(top - seen[0]) for top in seen)


@pytest.mark.parametrize("case", CASES if IS_STRESS else FEW, ids="-".join)
def test_no_message_moves_a_reader(
    lab: Lab, server: ScriptedServer, jupyter: Jupyter, case: tuple[str, str, str]
) -> None:
    text, reader, page = TEXTS[case[0]], case[1], case[2]
    moment = len(text) if reader == "follows" else len(text) // 2
    is_watched = threading.Event()
    server.play_with(lambda exchange: Reply(held(text, moment, is_watched)))
    set_auto_scroll(jupyter, False)
    open_page(lab, page)
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(1).click()
    lab.page.keyboard.press("Control+Enter")
    mark = MARK.findall(text[: moment - 800])[-1]
    lab.until(lambda: read_on(lab, reader) and mark in (lab.area(1).text_content() or ""))
    for _ in range(10):  # until the page is at rest
        lab.page.wait_for_timeout(100)
        read_on(lab, reader)
    word = lab.page.evaluate("last => scrollRecorder.choose(1, last)", reader == "follows")
    assert word
    assert not lab.is_done(1)
    lab.page.evaluate("word => { scrollRecorder.shifts = []; scrollRecorder.watch(1, word) }", word)
    lab.page.wait_for_timeout(300)
    is_watched.set()
    lab.until(lambda: lab.is_done(1))
    lab.page.wait_for_timeout(1_500)
    tops, shifts = lab.page.evaluate("[scrollRecorder.tops, scrollRecorder.shifts]")
    moved, shift = movement(tops), sum(value for _, value, _ in shifts)
    print(f"{case}: {word} moved {moved} px, shift {shift:.4f}, {json.dumps(shifts[:3])}")
    assert moved == 0
    assert shift <= 0.01
