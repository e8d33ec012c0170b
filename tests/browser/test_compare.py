"""Answers side by side in JupyterLab: while they arrive, at the end, and in the saved file."""

from __future__ import annotations

import pytest

from cellmage.conversation.export import import_turns
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser


def reply(exchange: Exchange) -> Reply:
    if exchange.body["model"] == "fence":
        words = [step for word in ("```py\n", "one\n", "two\n") for step in (chunk(word), 0.5)]
        return Reply([*words, finish(), DONE])
    return Reply(answer("# Quick\n\n- *a*\n- b", 3))


def test_side_by_side(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(reply)
    lab.open("%load_ext cellmage", "%%llm --compare fence,quick --select quick\nGo")
    lab.load()
    lab.run_next(1)
    lab.until(lambda: "▌" in lab.output(1) and "Quick" in lab.output(1))
    assert lab.area(1).locator("h1").inner_text().startswith("Quick")
    lab.until(lambda: lab.is_done(1))
    code = lab.area(1).locator("pre").bounding_box()
    head = lab.area(1).locator("h1").bounding_box()
    assert code is not None
    assert head is not None
    assert code["x"] + code["width"] <= head["x"], "the answers are side by side"
    assert lab.area(1).locator("pre").inner_text().split() == ["one", "two"]
    assert lab.area(1).locator("li").all_inner_texts() == ["a", "b"]
    assert lab.area(1).locator("table td").nth(0).inner_text() == "fence"
    lab.save()
    (turn,) = import_turns(lab.file)
    assert (turn.response.model, turn.response.text) == ("quick", "# Quick\n\n- *a*\n- b")
