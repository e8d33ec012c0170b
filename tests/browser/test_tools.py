"""Tools in JupyterLab: the question to the user, the call with its result, and the saved file."""

from __future__ import annotations

import pytest

from cellmage.conversation.export import import_turns
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

WEATHER = '''def weather(city: str) -> str:
    """The weather in a city."""
    return f"<b>rain</b> in {city} at $5 and $6"'''


def test_calls_are_confirmed_run_and_saved(lab: Lab, server: ScriptedServer) -> None:
    first = Reply(
        [chunk("**Wait**."), tool_call("weather", '{"city": "Oslo"}'), finish("tool_calls")]
    )
    second = Reply([tool_call("weather", '{"city": "Rome"}'), finish("tool_calls"), DONE])
    server.play_each([first, second, Reply(answer("It *rains*."))])
    lab.open("%load_ext cellmage", WEATHER, "%%llm --tool weather\nHow is it?")
    lab.load()
    lab.run_next(1)
    lab.run_next(2)
    for city in ("Oslo", "Rome"):
        lab.until(lambda city=city: f'weather(city="{city}") …' in lab.output(2))  # type: ignore[misc]
        lab.page.locator(".cellmage-call").filter(has_text=city).wait_for()
        lab.page.get_by_role("button", name="Run once").click()
    lab.until(lambda: lab.is_done(2))
    assert lab.page.locator(".cellmage-call").count() == 0, "the answered cards are removed"
    panels = lab.area(2).locator("details")
    assert panels.locator("summary").all_inner_texts() == [
        f'weather(city="{city}") → <b>rain</b> in {city} at $5 and $6' for city in ("Oslo", "Rome")
    ]
    panels.nth(0).locator("summary").click()
    assert panels.nth(0).locator("pre").inner_text() == "<b>rain</b> in Oslo at $5 and $6"
    assert lab.area(2).locator("strong").all_inner_texts() == ["Wait"]
    lab.save(2)
    (turn,) = import_turns(lab.file)
    assert turn.response.text == "**Wait**.It *rains*."
    assert [
        (step.text, [call.arguments for call in step.calls]) for step in turn.response.steps
    ] == [("**Wait**.", ['{"city": "Oslo"}']), ("", ['{"city": "Rome"}'])]
