"""The page of Notebook 7, which the same server has when the `notebook` package is installed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from cellmage.testing import ScriptedServer
from tests.browser.conftest import Jupyter, Lab
from tests.browser.test_page import LONG
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser
pytest.importorskip("notebook")

IS_BOXED = "() => document.querySelector('.jp-mod-outputsScrolled') !== null"
SCROLL_SETTINGS = "@jupyter-notebook/notebook-extension:scroll-output"


def ask(lab: Lab) -> None:
    lab.open("%load_ext cellmage", "%%llm\nGo")
    lab.show_in_notebook7()
    lab.load()
    lab.run_next()


def set_auto_scroll(jupyter: Jupyter, is_on: bool) -> None:
    body = json.dumps({"raw": json.dumps({"autoScrollOutputs": is_on})}).encode()
    address = f"{jupyter.url}/lab/api/settings/{SCROLL_SETTINGS}"
    urllib.request.urlopen(urllib.request.Request(address, body, method="PUT")).close()


@pytest.fixture
def no_auto_scroll(jupyter: Jupyter) -> Iterator[None]:
    """Set what docs/front-ends.md advises."""
    set_auto_scroll(jupyter, False)
    yield
    set_auto_scroll(jupyter, True)


def test_an_answer_arrives(lab: Lab, server: ScriptedServer) -> None:
    server.play(*steps_of(LONG, 20, 0.005))
    ask(lab)
    lab.until(lambda: "▌" in lab.output(1))
    lab.until(lambda: lab.is_done(1) and "Section 39" in lab.output(1))
    assert "▌" not in lab.output(1)


def test_a_long_answer_is_boxed_by_default(lab: Lab, server: ScriptedServer) -> None:
    """If this fails, the advice in docs/front-ends.md is not needed any more."""
    server.play(*steps_of(LONG, 20, 0.02))
    ask(lab)
    lab.until(lambda: lab.page.evaluate(IS_BOXED))
    assert not lab.is_done(1)


@pytest.mark.usefixtures("no_auto_scroll")
def test_a_long_answer_is_not_boxed_with_the_setting(lab: Lab, server: ScriptedServer) -> None:
    server.play(*steps_of(LONG, 20, 0.01))
    ask(lab)
    boxed: list[bool] = []

    def is_done() -> bool:
        boxed.append(lab.page.evaluate(IS_BOXED))
        return lab.is_done(1)

    lab.until(is_done)
    assert not any(boxed)
