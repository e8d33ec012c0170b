"""What the bar shows when messages of it were lost, or the page was left and loaded anew."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

import cellmage
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab
from tests.browser.test_answer_bar import SHOTS, Bar, take_pictures
from tests.browser.test_page import PRINTS
from tests.browser.test_reload import TEXT, held, is_whole, leave

pytestmark = pytest.mark.browser

FLOOD = (
    "def flood() -> str:\n"
    + PRINTS.strip().replace("\n", "\n    ").join(["    ", "\n"])
    + ("    return 'done'\n%llm --tool flood --auto-approve Go")
)


def test_prints_do_not_hide_that_the_answer_has_ended(lab: Lab, server: ScriptedServer) -> None:
    """Jupyter Server drops what follows so many prints, also messages of the bar."""
    call = [chunk("It begins. "), 1.0, tool_call("flood", "{}")]
    server.play_each([Reply([*call, finish("tool_calls"), DONE]), Reply(answer("It **ends**."))])
    lab.open("%load_ext cellmage", FLOOD)
    lab.load()
    lab.page.wait_for_timeout(1000)
    lab.run_next()
    bar = Bar(lab, 1)
    bar.button("Stop").wait_for()
    lab.until(lambda: lab.is_done(1))
    bar.wait("It ends.")
    assert "message rate exceeded" in lab.output(1)


def test_a_page_that_comes_back_shows_the_rest(lab: Lab, server: ScriptedServer) -> None:
    """It has its bars again when the cell has ended, and so has a page that is opened later."""
    is_left = threading.Event()
    server.play_each([Reply(held(8_000, is_left)), Reply(answer("Another one."))])
    lab.open("%load_ext cellmage", "%%llm\nGo", "1")
    lab.load()
    lab.run_next()
    lab.until(lambda: "Section 5" in (lab.area(1).text_content() or ""))
    lab.save()
    leave(lab, "reload")
    bar = Bar(lab, 1)
    assert "▌" in lab.text(1)
    is_left.set()
    bar.button("Show the rest").wait_for()
    if SHOTS:
        bar.root.scroll_into_view_if_needed()
        take_pictures(lab, bar.root, "rest")
    bar.button("Show the rest").click()
    lab.until(lambda: is_whole(lab, 1))
    expect(bar.button("Show the rest")).to_have_count(0)
    lab.save()
    (turn,) = cellmage.read(lab.file)
    assert (turn.response.text, turn.response.incomplete_reason) == (TEXT, None)

    leave(lab, "close")
    bar = Bar(lab, 1)
    bar.button("Copy").wait_for()
    expect(bar.button("Show the rest")).to_have_count(0)
    bar.button("Retry").click()
    bar.wait("Another one.")
    expect(bar.root).to_contain_text("2/2")
