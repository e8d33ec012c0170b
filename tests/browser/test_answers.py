"""Answers in the style of today's models: every frame that is painted while they arrive.

Variables of the environment choose more than is tested by default, for example

    make browser ANSWERS="texmath longtable" RATES="30 100" PAGES="lab notebook" SHOTS=folder
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from cellmage.display.parts import CURSOR
from cellmage.testing import Exchange, Reply, ScriptedServer
from tests.browser.conftest import Lab
from tests.browser.frame_recorder import (
    FrameRecorder,
    PaintedFrame,
    find_jumps,
    find_raw_delimiters,
    find_retracted,
)
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

ANSWERS = Path(__file__).parents[1] / "data/answers"
SHORT = "badfence chem cjk claude codeheavy gptmath m1 mermaid nested taskdetails think"
NAMES = os.environ.get("ANSWERS", SHORT).split()
RATES = os.environ.get("RATES", "400").split()
PAGES = os.environ.get("PAGES", "lab").split()
THEMES = os.environ.get("THEMES", "Light").split()
SHOTS = os.environ.get("SHOTS", "")
CHUNK_CHARS = 4

HIDE_OTHER_OUTPUTS = """
.jp-Notebook-cell:not(.jp-mod-active) .jp-Cell-outputWrapper { display: none !important }
"""

NO_TEX = {"m1": "Double subscripts: use braces to clarify"}
"""An answer with a formula that is no TeX: MathJax's error is right."""


def open_page(lab: Lab, page: str, theme: str) -> None:
    body = json.dumps({"raw": json.dumps({"theme": f"JupyterLab {theme}"})}).encode()
    address = f"{lab.url}/lab/api/settings/@jupyterlab/apputils-extension:themes"
    urllib.request.urlopen(urllib.request.Request(address, body, method="PUT")).close()
    lab.open("%load_ext cellmage", *(f"%%llm --no-history --stream\n{name}" for name in NAMES))
    if page == "notebook":
        lab.page.goto(f"{lab.url}/notebooks/{lab.name}")
        lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        lab.page.wait_for_selector(".jp-NotebookKernelStatus-fade", state="attached")
    lab.page.add_style_tag(content=HIDE_OTHER_OUTPUTS)
    lab.load()


def stream(lab: Lab, cell: int, seconds: float, save: Callable[[str], None]) -> None:
    """Run a cell until its end is painted; `save` is called twice before, and at the end."""
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).click()
    lab.page.mouse.move(0, 0)
    lab.page.keyboard.press("Control+Enter")
    for moment in ("early", "late"):
        if SHOTS:
            lab.page.wait_for_timeout(seconds * 400)
            save(moment)
    lab.until(lambda: lab.is_done(cell), 60 + 5 * seconds)
    lab.page.wait_for_timeout(600)
    save("end")


def check(name: str, frames: list[PaintedFrame]) -> dict[str, object]:
    """Return the faults of an answer, by their kinds."""
    is_live = [CURSOR in frame.seen for frame in frames]
    errors = {error for frame in frames for error in frame.math_errors}
    faults: dict[str, object] = {
        "delimiters": find_raw_delimiters(frames),
        "formulas": errors - {NO_TEX.get(name)},
        "diagrams": [error for frame in frames for error in frame.diagram_errors],
        "columns": find_jumps(frames),
        "cursor in a table": [frame.cells for frame in frames if CURSOR in "".join(frame.cells)],
        "no cursor": not any(is_live),
        "cursor at the end": is_live[-1],
        # JupyterLab draws a diagram later than the text after it.
        "retracted": [] if name == "mermaid" else find_retracted(frames),
    }
    return {kind: fault for kind, fault in faults.items() if fault}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("page", PAGES)
def test_no_frame_is_wrong(
    lab: Lab, server: ScriptedServer, page: str, rate: str, theme: str
) -> None:
    """No raw delimiter, no error box, no column that jumps, a cursor where it harms nothing."""
    texts = {name: (ANSWERS / f"{name}.md").read_text() for name in NAMES}

    def reply(exchange: Exchange) -> Reply:
        text = texts[exchange.messages[-1][1]]
        return Reply(steps_of(text, CHUNK_CHARS, 1 / float(rate)))

    def save(moment: str) -> None:
        if SHOTS:
            path = Path(SHOTS) / f"{name}-{page}-{rate}-{theme}-{moment}.png"
            lab.page.screenshot(path=path)

    server.play_with(reply)
    recorder = FrameRecorder(lab.page)
    lab.page.set_viewport_size({"width": 1000, "height": 1700})
    open_page(lab, page, theme)
    faults = {}
    for cell, (name, text) in enumerate(texts.items(), start=1):
        recorder.watch(cell)
        stream(lab, cell, len(text) / CHUNK_CHARS / float(rate), save)
        faults[name] = check(name, recorder.read_frames())
    assert {name: fault for name, fault in faults.items() if fault} == {}
