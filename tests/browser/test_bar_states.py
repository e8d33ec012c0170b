"""What the bar shows when messages of it were lost, or the page was left and loaded anew."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab
from tests.browser.test_answer_bar import Bar
from tests.browser.test_page import PRINTS

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
