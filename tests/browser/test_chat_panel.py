"""The chat panel in JupyterLab and in Notebook 7."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.axe import find_violations
from tests.browser.conftest import Lab
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CELLMAGE_SHOTS", "")
"""A folder for pictures of the panel, to be looked at."""

PANEL = ".cellmage-chat"
WEATHER = '''ran = []
def weather(city: str) -> str:
    """The weather in a city."""
    ran.append(city)
    return f"rain in {city}"'''
LONG = "\n\n".join(f"Paragraph {n}: one *two* three four five six seven." for n in range(200))
WHOLE = re.compile(r"Paragraph \d+: one two three four five six seven\.")
RICH = """Two ways, **both** fine:

| name | value |
|---|---:|
| alpha | 1 |

```python
for n in range(10):
    print(n, "a long line of code that is wider than the panel when the window is narrow, indeed")
```

1. A formula: $x^2 + y^2$
2. [A link](https://example.org)
"""
SETTLE_MS = 500
PAGES = ["lab", "notebook"]

# From the click to the moment when nothing arrives any more.
STOP_MS = """() => new Promise((resolve) => {
  const buttons = [...document.querySelectorAll('.cellmage-button')];
  const stop = buttons.find((button) => button.textContent === 'Stop');
  const start = performance.now();
  new MutationObserver(() => {
    if (stop.getAttribute('aria-disabled') === 'true') resolve(performance.now() - start);
  }).observe(stop, { attributes: true });
  stop.click();
})"""


MOVING = """() => [...document.querySelectorAll('.cellmage-chat, .cellmage-chat *')].filter(
  (node) => node.getAnimations({ subtree: true }).length ||
    getComputedStyle(node).animationName !== 'none').map((node) => node.className)"""
"""What moves in the panel."""


class Panel:
    """The panel, as a user finds it."""

    def __init__(self, lab: Lab) -> None:
        self.page = lab.page
        self.root = lab.page.locator(PANEL)
        self.box = self.root.get_by_label("Prompt")
        self.line = self.root.get_by_role("alert")

    def button(self, name: str, nth: int = 0) -> Locator:
        return self.root.get_by_role("button", name=name).nth(nth)

    def send(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Control+Enter")

    def answers(self) -> list[str]:
        return self.root.locator(".cellmage-answer").all_inner_texts()

    def questions(self) -> list[str]:
        return self.root.locator(".cellmage-question").all_inner_texts()

    def wait(self, text: str) -> None:
        """Wait until nothing arrives, and the last answer has a text."""
        expect(self.root.locator(".cellmage-answer").last).to_contain_text(text, timeout=60_000)
        expect(self.button("Stop")).to_have_attribute("aria-disabled", "true", timeout=60_000)


def open_panel(lab: Lab, *cells: str, line: str = "%llm_chat", page: str = "lab") -> Panel:
    """Run the cells and then the panel's."""
    lab.open("%load_ext cellmage", *cells, line, "1", "2")
    if page == "notebook":
        lab.show_in_notebook7()
    lab.load()
    for _ in range(len(cells) + 1):
        lab.run_next()
    panel = Panel(lab)
    panel.box.wait_for()
    return panel


def fill_cell(lab: Lab, cell: int, code: str) -> None:
    """Write a cell anew, and run it."""
    lab.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content").fill(code)
    lab.run_next()


def take_shot(lab: Lab, name: str) -> None:
    if SHOTS:
        lab.page.screenshot(path=Path(SHOTS) / f"panel-{name}.png")


def echo(server: ScriptedServer, change: Callable[[str], str] = str.upper) -> None:
    server.play_with(lambda exchange: Reply(answer(change(str(exchange.messages[-1][1])))))


def call(city: str) -> Reply:
    arguments = json.dumps({"city": city})
    return Reply(
        [chunk("Let me see. "), tool_call("weather", arguments), finish("tool_calls"), DONE]
    )


def test_a_conversation(lab: Lab, server: ScriptedServer) -> None:
    """Send, recall, retry, edit, copy, a cell in the same conversation, a reload, the file."""
    echo(server)
    panel = open_panel(lab)
    panel.send("one")
    panel.wait("ONE")
    panel.send("two")
    panel.wait("TWO")
    panel.box.press("ArrowUp")
    panel.box.press("ArrowUp")
    expect(panel.box).to_have_value("one")
    panel.box.press("ArrowDown")
    expect(panel.box).to_have_value("two")
    panel.box.fill("")

    echo(server, lambda text: f"again {text}")
    panel.button("Retry, question 1").click()
    panel.root.get_by_text("again one").first.wait_for()
    expect(panel.root).to_contain_text("stale")
    panel.button("Edit, question 2").click()
    expect(panel.box).to_have_value("two")
    panel.send("three")
    panel.wait("again three")
    assert panel.questions() == ["one", "three"]
    assert [text.splitlines()[0] for text in panel.answers()] == ["again one", "again three"]
    panel.button("Edit answer, question 2").click()
    expect(panel.box).to_have_value("again three")
    panel.send("mine")
    panel.wait("mine")

    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.button("Copy, question 1").click()
    panel.root.get_by_text("Copied").wait_for(state="attached")
    assert lab.page.evaluate("navigator.clipboard.readText()") == "again one"

    fill_cell(lab, 2, "%%llm\nfour")
    panel.wait("again four")
    messages = [text for _, text in server.last.messages]
    assert messages == ["one", "again one", "three", "mine", "four"]

    outputs = lab.save(1)
    assert "widget-view" in "".join(outputs[0]["data"])
    assert "running kernel" in outputs[0]["data"]["text/plain"][0]
    saved = "".join(outputs[1]["data"]["text/markdown"])
    assert saved.index("again one") < saved.index("mine") < saved.index("again four")
    assert not lab.page.get_by_text("The model answered").first.is_visible()
    lab.page.reload()
    panel.wait("again four")
    assert panel.questions() == ["one", "three", "four"]
    lab.restart()
    lab.page.wait_for_timeout(SETTLE_MS)
    lab.page.reload()  # and now no kernel has the panel
    lab.page.get_by_text("The model answered").first.wait_for()
    assert panel.root.count() == 0
    take_shot(lab, "without")


@pytest.mark.parametrize("page", PAGES)
def test_by_mouse(lab: Lab, server: ScriptedServer, page: str) -> None:
    """Allow a tool, refuse one with a reason; stop while a cell runs; retry and edit."""
    server.play_each([call("Oslo"), call("<b>Rome</b>\u202e"), Reply(answer("It *rains*."))])
    panel = open_panel(lab, WEATHER, line="%llm_chat --tool weather", page=page)
    panel.send("How is it?")
    panel.button("Run once").click()
    card = panel.root.locator(".cellmage-call")
    expect(card).to_contain_text('city="<b>Rome</b>\\u202e"')
    assert find_violations(lab.page, PANEL) == []
    panel.root.get_by_placeholder("why not").fill("that is no city")
    panel.button("Do not run").click()
    panel.wait("It rains.")
    assert card.count() == 0
    assert "that is no city" in json.dumps(server.last.body)

    server.play(*steps_of(LONG, 20, 0.02))
    fill_cell(lab, 3, "import time\nfor n in range(80): time.sleep(0.1)")
    panel.send("Go")
    panel.root.get_by_text("Paragraph 2:").first.wait_for()
    milliseconds = lab.page.evaluate(STOP_MS)
    print(f"stopped in {milliseconds:.0f} ms in {page}")
    assert milliseconds < 1_000
    assert not lab.is_done(3)
    assert "▌" not in panel.answers()[1]
    assert "Paragraph 199" not in panel.answers()[1]
    spoken = panel.root.locator("[aria-live] p").all_inner_texts()
    assert len(spoken) > 1
    assert all(WHOLE.fullmatch(text) for text in spoken[-3:-1])  # the last one was cut

    echo(server)
    panel.button("Retry, question 2").click()
    panel.wait("GO")
    panel.button("Edit, question 2").click()
    expect(panel.box).to_have_value("Go")
    panel.send("Stay")
    panel.wait("STAY")
    assert panel.questions() == ["How is it?", "Stay"]
    take_shot(lab, page)


@pytest.mark.parametrize("page", PAGES)
def test_by_keyboard_alone(lab: Lab, server: ScriptedServer, page: str) -> None:
    """From the box on: send, allow a tool, stop, retry, and begin anew, by keys."""
    server.play_each([call("Oslo"), Reply(answer("It rains.")), Reply(steps_of(LONG, 20, 0.02))])
    panel = open_panel(lab, WEATHER, line="%llm_chat --tool weather", page=page)
    press = lab.page.keyboard.press
    panel.box.focus()
    lab.page.keyboard.type("How is it?")
    press("Control+Enter")
    panel.button("Run once").wait_for()
    for _ in range(4):  # back over the fields of the card
        press("Shift+Tab")
    expect(panel.button("Run once")).to_be_focused()
    assert lab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    press("Space")
    panel.wait("It rains.")

    lab.page.get_by_role("region", name="Conversation").focus()
    press("Tab")
    press("Tab")
    expect(panel.button("Retry")).to_be_focused()
    press("Enter")
    panel.root.get_by_text("Paragraph 2:").first.wait_for()
    press("Tab")
    expect(panel.box).to_be_focused()
    press("Tab")
    press("Tab")
    expect(panel.button("Stop")).to_be_focused()
    press("Enter")
    panel.wait("Paragraph 2:")
    press("Tab")
    expect(panel.button("New")).to_be_focused()
    press("Enter")
    expect(panel.root).to_contain_text("Chat chat-2")
    assert panel.questions() == []


def test_it_is_accessible_in_all_themes(lab: Lab, server: ScriptedServer) -> None:
    """axe-core finds nothing, with an answer, a card and a line; pictures for the eye."""
    thought = [chunk(reasoning="Hm, *two*."), *answer(RICH)]
    server.play_each([Reply(thought), call("Oslo")])
    panel = open_panel(lab, WEATHER, line="%llm_chat --tool weather")
    panel.send("Which way?\nIn *two* lines.")
    panel.wait("A link")
    thoughts = panel.root.locator("details")
    assert thoughts.evaluate_all("nodes => nodes.map(node => node.open)") == [False]
    expect(thoughts.locator("summary")).to_have_text("Reasoning")
    panel.root.get_by_placeholder("variable or file").fill("no_such_thing")
    panel.button("Attach").click()
    panel.send("With that")
    panel.root.get_by_text("no_such_thing").first.wait_for()
    expect(panel.box).to_have_value("With that")
    panel.send("How is it?")
    panel.button("Run once").wait_for()
    lab.page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    found: dict[tuple[str, int], Any] = {}
    for theme in ("Dark High Contrast", "Light", "Dark"):
        name = f"JupyterLab {theme}"
        lab.page.evaluate(
            f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})"
        )
        for width in (1200,) if "Contrast" in theme else (1200, 500):
            lab.page.set_viewport_size({"width": width, "height": 1100})
            lab.page.wait_for_timeout(SETTLE_MS)
            found |= {(theme, width): find_violations(lab.page, PANEL)}
            take_shot(lab, f"{theme}-{width}")
    assert not any(found.values()), found
    lab.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    assert lab.page.evaluate(MOVING) == []
    take_shot(lab, "forced-colors")
    lab.page.emulate_media(forced_colors="none", reduced_motion="no-preference")
    lab.page.evaluate("document.querySelector('.cellmage-title').style.color = '#555'")
    assert [rule for rule, _ in find_violations(lab.page, PANEL)] == ["color-contrast"]
