"""Tool calls in JupyterLab: a card with buttons below the answer, while the cell runs."""

from __future__ import annotations

import json

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

WEATHER = '''ran = []
def weather(city: str) -> str:
    """The weather in a city."""
    ran.append(city)
    return f"rain in {city}"'''
ASK = "%%llm --tool weather\nHow is it?"


def play(server: ScriptedServer, *cities: str) -> None:
    calls = [
        Reply(
            [
                chunk("Let me see. "),
                tool_call("weather", json.dumps({"city": city})),
                finish("tool_calls"),
                DONE,
            ]
        )
        for city in cities
    ]
    server.play_each([*calls, Reply(answer("It *rains*."))])


def card_text(lab: Lab) -> str:
    card = lab.page.locator(".cellmage-call")
    card.wait_for()
    return card.inner_text()


def open_notebook(lab: Lab, *cells: str) -> None:
    lab.open("%load_ext cellmage", WEATHER, *cells)
    lab.load()
    lab.run_next(1)
    lab.run_next(2)


def test_by_mouse(lab: Lab, server: ScriptedServer) -> None:
    play(server, "Oslo", "<b>Rome</b>\u202e")
    open_notebook(lab, ASK, "print(ran, _llm.steps[1].calls[0].result)")
    assert card_text(lab) == 'The model wants to run weather:\ncity="Oslo"'
    lab.page.get_by_role("button", name="Run once").click()
    lab.page.get_by_text("Rome").first.wait_for()
    assert card_text(lab).endswith('city="<b>Rome</b>\\u202e"')
    lab.page.get_by_placeholder("why not").fill("that is no city")
    lab.page.get_by_role("button", name="Do not run").click()
    lab.until(lambda: lab.is_done(2))
    assert lab.page.locator(".cellmage-call").count() == 0
    lab.run_next(3)
    lab.until(lambda: lab.is_done(3))
    assert lab.output(3).strip() == "['Oslo'] refused by the user: that is no city"
    outputs = lab.save(2)
    assert [set(output["data"]) for output in outputs] == [{"text/markdown", "text/plain"}]


def test_by_keyboard_and_for_all_later_calls(lab: Lab, server: ScriptedServer) -> None:
    play(server, "Oslo", "Rome", "Bonn")
    open_notebook(lab, ASK, "print(ran)")
    card_text(lab)
    lab.page.get_by_role("button", name="Run once").focus()
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Space")
    lab.until(lambda: lab.is_done(2))
    lab.run_next(3)
    lab.until(lambda: lab.is_done(3))
    assert lab.output(3).strip() == "['Oslo', 'Rome', 'Bonn']"


def test_a_stop_removes_the_card_and_runs_nothing(lab: Lab, server: ScriptedServer) -> None:
    play(server, "Oslo")
    open_notebook(lab, ASK, "print(ran)")
    card_text(lab)
    lab.page.evaluate("jupyterapp.commands.execute('notebook:interrupt-kernel')")
    lab.until(lambda: lab.is_done(2))
    assert lab.page.locator(".cellmage-call").count() == 0
    lab.run_next(3)
    lab.until(lambda: lab.is_done(3))
    assert lab.output(3).strip() == "[]"
