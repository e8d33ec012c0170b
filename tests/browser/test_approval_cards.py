"""Tool calls in JupyterLab: a card with buttons below the answer, while the cell runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab
from tests.hostile_arguments import KEEP, equal, hostile_arguments, is_refused, read_card
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.browser

WEATHER = '''ran = []
def weather(city: str) -> str:
    """The weather in a city."""
    ran.append(city)
    return f"rain in {city}"'''
ASK = "%%llm --tool weather\nHow is it?"


SETS = 200 if IS_STRESS else 6
SETS_OF_AN_ANSWER = 8


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


def test_what_is_shown_is_what_runs(lab: Lab, server: ScriptedServer) -> None:
    """Read each card from the page, allow it, and compare it with what the tool received."""
    write = "import json\nwith open('received.json', 'w') as file:\n    json.dump(received, file)"
    lab.open("%load_ext cellmage", KEEP, write, "%%llm --tool keep\nKeep.")
    lab.load()
    lab.run_next(1)
    arguments = hostile_arguments(SETS, 7)
    shown: list[Mapping[str, Any]] = []
    for start in range(0, SETS, SETS_OF_AN_ANSWER):
        shown += ask_and_read(lab, server, arguments[start:][:SETS_OF_AN_ANSWER])
    lab.run_next(2)
    lab.until(lambda: lab.is_done(2))
    received = json.loads((lab.folder / "received.json").read_text())
    allowed = [text for text in arguments if not is_refused(text)]
    assert equal(shown, allowed)
    assert equal(received, allowed)


def ask_and_read(
    lab: Lab, server: ScriptedServer, arguments: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Let a model ask for these calls, and yield what the cards show.

    Calls that are refused have no card.
    """
    calls = [tool_call("keep", text, number) for number, text in enumerate(arguments)]
    server.play_each([Reply([*calls, finish("tool_calls"), DONE]), Reply(answer("Done."))])
    lab.run_next(3)
    for _ in range(len(arguments) - sum(map(is_refused, arguments))):
        card = lab.page.locator(".cellmage-call pre")
        yield read_card(card.inner_text())
        element = card.element_handle()
        lab.page.get_by_role("button", name="Run once").click()
        element.wait_for_element_state("hidden")
    lab.until(lambda: "Done." in lab.output(3))
    results = [message["content"] for message in server.last.body["messages"][-len(arguments) :]]
    assert [text.startswith("error: ") for text in results] == list(map(is_refused, arguments))
