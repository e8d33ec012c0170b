"""Answers in the background beside cells that run and print, in JupyterLab and Notebook 7."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, chunk, finish
from tests.browser.conftest import Lab
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CELLMAGE_SHOTS", "")
"""A folder for pictures of the page, to be looked at."""

PAUSE = 0.2 if IS_STRESS else 0.05
OTHERS = 100 if IS_STRESS else 8
QUESTIONS = [f"q{number}" for number in range(8 if IS_STRESS else 3)]
ASK = "%%llm --background --no-history --stats\n"
PRINT = """import time
for part in 'abc':
    print('<c{:03}' + part + '>', flush=True)
    time.sleep(0.02)"""
LAST = "print('the last cell')"

CELLS = "() => jupyterapp.shell.currentWidget.model.toJSON().cells"
THEME = "name => jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
RUN_BELOW = "() => void jupyterapp.commands.execute('notebook:run-all-below')"


class Answers:
    """Answers that arrive until they are ended, and what was sent of each."""

    def __init__(self, server: ScriptedServer) -> None:
        self._are_over = threading.Event()
        self.texts: dict[str, str] = {}
        server.play_with(self._reply)

    def end(self) -> None:
        self._are_over.set()

    def _reply(self, exchange: Exchange) -> Reply:
        return Reply(self._write(exchange.messages[-1][1]))

    def _write(self, question: str) -> Iterator[bytes | float]:
        self.texts[question] = ""
        number = 0
        while not self._are_over.wait(PAUSE) or number < 12:
            number += 1
            piece = f"{question} says *{number}*" + ("\n\n" if number % 8 == 0 else ", ")
            self.texts[question] += piece
            yield chunk(piece)
        self.texts[question] += "the end."
        yield from (chunk("the end."), finish(), DONE)


def read_outputs(lab: Lab) -> list[list[dict[str, Any]]]:
    """Return the outputs of all cells, in sight or not, as the page has them."""
    return [cell.get("outputs", []) for cell in lab.page.evaluate(CELLS)]


def answer_outputs(lab: Lab) -> list[list[dict[str, Any]]]:
    """Return the outputs of the cells that ask."""
    return read_outputs(lab)[1:][: len(QUESTIONS)]


def text_of(outputs: list[dict[str, Any]]) -> str:
    """Return what a cell shows, as plain text."""
    return "".join(
        "".join(output["text"] if "text" in output else output["data"].get("text/plain", ""))
        for output in outputs
    )


@pytest.mark.parametrize("page", ["lab", "notebook"])
def test_each_character_is_in_its_own_cell(lab: Lab, server: ScriptedServer, page: str) -> None:
    """Answers arrive below their cells while all others run; the page and the file have them."""
    answers = Answers(server)
    others = [PRINT.format(number) for number in range(OTHERS)]
    lab.open("%load_ext cellmage", *(ASK + question for question in QUESTIONS), *others, LAST)
    if page == "notebook":
        pytest.importorskip("notebook")
        lab.show_in_notebook7()
    lab.load()
    lab.page.evaluate(RUN_BELOW)
    lab.until(lambda: text_of(read_outputs(lab)[-1]) == "the last cell\n", 200)
    lab.until(lambda: all("says" in str(outputs) for outputs in answer_outputs(lab)))
    assert "the end." not in str(answer_outputs(lab)), "all are under way"
    take_shots(lab, page)
    answers.end()
    lab.until(lambda: all("s in total" in str(outputs) for outputs in answer_outputs(lab)))

    lab.save()
    for cell, question in enumerate(QUESTIONS, 1):
        *parts, stats = lab.read_outputs(cell)
        assert text_of(parts).split() == answers.texts[question].split()
        assert "s in total" in str(stats)
    for number in range(OTHERS):
        printed = text_of(lab.read_outputs(1 + len(QUESTIONS) + number))
        assert printed == "".join(f"<c{number:03}{part}>\n" for part in "abc")
    assert lab.area(1).locator("em").count() == answers.texts["q0"].count("*") / 2


def take_shots(lab: Lab, page: str) -> None:
    for theme in ("Light", "Dark") if SHOTS else ():
        lab.page.evaluate(THEME, f"JupyterLab {theme}")
        lab.page.wait_for_timeout(500)
        lab.page.screenshot(path=Path(SHOTS) / f"background-{page}-{theme}.png")
