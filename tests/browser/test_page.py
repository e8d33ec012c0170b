"""The page as the user sees it, in JupyterLab."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish
from tests.browser.conftest import Lab
from tests.browser.test_marked import LAB_ONLY
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

HOSTILE = json.loads((Path(__file__).parents[1] / "data/output_injection.json").read_text())

ACTIVE = "script, iframe, img, object, embed, form, input, video, audio, base, meta, svg"

HANDLERS = """all => all.filter(node => [...node.attributes].some(item => /^on/i.test(item.name)))
    .map(node => node.outerHTML)"""

LONG = "".join(
    f"## Section {n}\n\nSome **bold** text and `code`. {'More words follow. ' * 12}\n\n"
    f"- one\n- two\n\n```python\nprint({n})\n```\n\n"
    for n in range(40)
)


def joined_text(outputs: list[dict[str, Any]]) -> str:
    """Return the text of an answer, which may have several outputs."""
    return "".join("".join(output["data"]["text/plain"]) for output in outputs)


def ask(lab: Lab, prompt: str = "%%llm --stream\nGo") -> None:
    lab.open("%load_ext cellmage", prompt)
    lab.load()
    lab.run_next()


def value(lab: Lab, expression: str, cell: int) -> str:
    """Print an expression in an empty cell, and return the output."""
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".cm-content").click()
    lab.page.keyboard.insert_text(f"print({expression})")
    lab.page.keyboard.press("Control+Enter")
    lab.until(lambda: lab.is_done(cell))
    return lab.output(cell).strip()


def test_an_answer_arrives_and_is_saved(lab: Lab, server: ScriptedServer) -> None:
    server.play(*steps_of(LONG, 20, 0.005))
    ask(lab)
    lab.until(lambda: "▌" in lab.output(1))
    lab.until(lambda: lab.outputs(1) > 1)
    assert not lab.is_done(1), "the answer is shown while the cell runs"
    assert "**" not in lab.output(1)
    lab.until(lambda: lab.is_done(1))
    lab.until(lambda: "Section 39" in lab.output(1))
    assert "▌" not in lab.output(1)
    text = lab.output(1)
    assert joined_text(lab.save()) == LONG
    lab.reopen()
    lab.until(lambda: lab.output(1) == text)


def test_stop_button(lab: Lab, server: ScriptedServer) -> None:
    server.play(chunk("one two **three"), end="hang")
    ask(lab)
    lab.until(lambda: "three" in lab.output(1))
    lab.page.locator(
        "[data-command='notebook:interrupt-kernel'], [title*='Interrupt']"
    ).first.click()
    lab.until(lambda: lab.is_done(1))
    lab.until(lambda: "stopped by you" in lab.output(1))
    assert "▌" not in lab.output(1)
    assert server.last.finished.wait(2)


def test_a_reload_in_mid_stream_loses_the_frames_but_not_the_answer(
    lab: Lab, server: ScriptedServer
) -> None:
    server.play(*steps_of(LONG[:4000], 20, 0.02))
    lab.open("%load_ext cellmage", "%%llm --stream\nGo", "print(1)", "")
    lab.load()
    lab.run_next()
    lab.until(lambda: "▌" in lab.output(1))
    lab.page.on("dialog", lambda dialog: dialog.accept())
    lab.page.reload()
    lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    lab.until(lambda: "Idle" in lab.page.inner_text("#jp-main-statusbar"))
    lab.run_next(2)
    lab.until(lambda: lab.is_done(2))
    assert "In[2]: %llm_history --show 1" in lab.output(2)
    assert value(lab, "len(_llm.text), _llm.incomplete_reason", 3) == "4000 None"


def test_a_page_that_shows_everything_is_not_asked_about(lab: Lab, server: ScriptedServer) -> None:
    server.play(*answer("It *rains*."))
    lab.open("%load_ext cellmage", "%%llm\nGo", "print(1)")
    lab.load()
    lab.run_next()
    lab.until(lambda: lab.is_done(1))
    lab.save()
    lab.reopen()
    lab.run_next(2)
    lab.until(lambda: lab.is_done(2))
    assert lab.output(2).strip() == "1"


def test_reasoning_is_open_until_it_ends(lab: Lab, server: ScriptedServer) -> None:
    reasoning = [step for word in ("First ", "**this", "**.") for step in (
        chunk(reasoning_content=word), 0.3)]  # fmt: skip
    server.play(*reasoning, 1, *answer("The *answer*."))
    ask(lab)
    details = lab.area(1).locator("details")
    lab.until(lambda: details.count() == 1 and "First this." in lab.output(1))
    assert details.get_attribute("open") is not None
    assert details.locator("strong").inner_text() == "this"
    lab.until(lambda: lab.is_done(1) and "The answer." in lab.output(1))

    def is_folded() -> bool:
        return details.get_attribute("open") is None and "First" not in lab.output(1)

    lab.until(is_folded)
    lab.save()
    lab.reopen()
    lab.until(lambda: "The answer." in lab.output(1))
    assert is_folded()
    copy = copy_untrusted(lab)
    lab.reopen(copy)
    lab.until(lambda: "The answer." in lab.output(1))
    assert is_folded()
    details.locator("summary").click()
    lab.until(lambda: "First this." in lab.output(1))


def test_after_a_flood_the_last_frame_is_on_the_page_and_in_the_file(
    lab: Lab, server: ScriptedServer
) -> None:
    """5 000 chunks a second, 20 times."""
    texts = [f"{LONG[: 12_000 + n]}\n\nEnd of answer {n}." for n in range(20)]

    def reply(exchange: Any) -> Reply:
        *chunks, end, done = answer(texts[int(exchange.messages[-1][1])], 4)
        bursts = [b"".join(chunks[i : i + 25]) for i in range(0, len(chunks), 25)]
        return Reply([*[step for burst in bursts for step in (burst, 0.005)], end, done])

    server.play_with(reply)
    cells = [f"%%llm --no-history\n{n}" for n in range(20)]
    lab.open("%load_ext cellmage", *cells)
    lab.load()
    for _ in cells:
        lab.run_next()
    lab.until(lambda: lab.is_done(20))
    lab.until(lambda: "End of answer 19." in lab.output(20))
    lab.save()
    for n, text in enumerate(texts):
        ending = f"End of answer {n}."
        text_on_page = lab.text(n + 1)
        assert text_on_page.rstrip().endswith(ending), "on the page"
        assert text_on_page.count(ending) == 1
        outputs = lab.read_outputs(n + 1)
        assert joined_text(outputs) == text
        assert "▌" not in str(outputs)


def test_the_users_prints_hide_no_end_of_an_answer(lab: Lab, server: ScriptedServer) -> None:
    """The server drops what follows 3 MB of prints within 3 s, and says so in the cell.

    It counts anew with each message of the bar that the kernel has handled, and drops nothing then.
    """
    server.play(chunk("It begins. "), 2.2, chunk("It **ends**."), finish(), DONE)
    flood = (
        "import threading\n%llm_config --bar False\n"
        "def flood():\n"
        "    for _ in range(25): print('x' * 200_000, end='\\r', flush=True)\n"
        "threading.Timer(1, flood).start()\n"
        "%llm Go"
    )
    lab.open("%load_ext cellmage", flood)
    lab.load()
    lab.run_next()
    lab.until(lambda: lab.is_done(1))
    lab.until(lambda: "data rate exceeded" in lab.output(1))
    lab.until(lambda: "It begins. It ends." in (lab.area(1).text_content() or ""))


def copy_untrusted(lab: Lab) -> str:
    """Copy the saved notebook as another user receives it, unsigned; return its name."""
    notebook = json.loads(lab.file.read_text())
    notebook["metadata"]["title"] = "a copy"
    (lab.folder / f"copy_{lab.name}").write_text(json.dumps(notebook))
    return f"copy_{lab.name}"


def convert_to_html(lab: Lab) -> str:
    """Convert the saved notebook by nbconvert; return the name of the page."""
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(lab.file)]
    subprocess.run(command, check=True, capture_output=True)
    return lab.file.with_suffix(".html").name


PRINTS = """
kernel = get_ipython().kernel
for n in range(5000):  # what print(n, flush=True) sends, on a machine of any speed
    content = {"name": "stdout", "text": f"{n}\\n"}
    kernel.session.send(kernel.iopub_socket, "stream", content, kernel.get_parent())
"""


@pytest.mark.parametrize("seconds", [0.0, 5.0], ids=["at the end", "while it streams"])
def test_prints_before_an_answer_do_not_hide_it(
    lab: Lab, server: ScriptedServer, seconds: float
) -> None:
    """Jupyter Server drops its first display, after which no update has anything to change.

    It counts anew with each message of the bar that the kernel has handled.
    """
    server.play(chunk("**The answer** "), seconds, chunk("is 42."), seconds, finish(), DONE)
    ask(lab, f"%llm_config --bar False\n{PRINTS}\n%llm Go")
    if seconds:
        lab.until(lambda: "The answer" in lab.output(1))
        assert not lab.is_done(1)
    lab.until(lambda: "The answer is 42." in lab.output(1))
    assert "message rate exceeded" in lab.output(1)
    lab.until(lambda: lab.is_done(1))
    lab.until(lambda: lab.output(1).count("The answer is 42.") == 1)
    data = [output.get("data", {}) for output in lab.save()]
    texts = ["".join(bundle.get("text/markdown", "")) for bundle in data]
    assert list(filter(None, texts)) == ["**The answer** is 42."]


def test_no_answer_is_active(lab: Lab, server: ScriptedServer) -> None:
    """Live, after the end, in the saved notebook, in an untrusted copy of it, and as HTML."""
    cases: list[dict[str, Any]] = [c for c in HOSTILE["cases"] if c["category"] != "dos"]
    texts = [*(case["markdown"] for case in cases), *LAB_ONLY]

    def reply(exchange: Any) -> Reply:
        text = texts[int(exchange.messages[-1][1])]
        return Reply([chunk(reasoning_content=text), *answer(text, 7)])

    server.play_with(reply)
    size = 20  # JupyterLab shows 50 outputs of a cell, and hides the rest
    loops = [
        f"for n in range({begin}, {min(begin + size, len(texts))}):\n"
        "    %llm --no-history {{ n }}"
        for begin in range(0, len(texts), size)
    ]
    lab.open("%load_ext cellmage", *loops)
    lab.load()
    for _ in loops:
        lab.run_next()
    lab.until(lambda: lab.is_done(len(loops)))
    check_nothing_is_active(lab, ".jp-RenderedMarkdown", len(texts))
    lab.save()
    lab.reopen()
    check_nothing_is_active(lab, ".jp-RenderedMarkdown", len(texts))
    lab.reopen(copy_untrusted(lab))
    check_nothing_is_active(lab, ".jp-RenderedMarkdown", len(texts))
    lab.page.goto(f"{lab.url}/files/{convert_to_html(lab)}")
    check_nothing_is_active(lab, ".jp-RenderedMarkdown", len(texts))


def check_nothing_is_active(lab: Lab, answers: str, count: int) -> None:
    lab.page.wait_for_timeout(2000)
    assert lab.page.evaluate("window.__pwn") is None
    assert [url for url in lab.outside if ".invalid" in url] == []
    rendered = lab.page.locator(f".jp-OutputArea {answers}")
    assert rendered.count() >= count
    assert rendered.locator(ACTIVE).evaluate_all("all => all.map(node => node.outerHTML)") == []
    assert rendered.locator("*").evaluate_all(HANDLERS) == []
    assert "cp <src> <dst>" in "".join(rendered.all_text_contents())
