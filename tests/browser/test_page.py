"""What the reader sees, in JupyterLab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Lab
from tests.server import DONE, Reply, ScriptedServer, Step, answer, chunk, finish

pytestmark = pytest.mark.browser

HOSTILE = json.loads((Path(__file__).parents[1] / "data/output_injection.json").read_text())

ACTIVE = "script, iframe, img, object, embed, form, input, video, audio, base, meta, svg, [onclick]"

LONG = "".join(
    f"## Section {n}\n\nSome **bold** text and `code`. {'More words follow. ' * 12}\n\n"
    f"- one\n- two\n\n```python\nprint({n})\n```\n\n"
    for n in range(40)
)


def pieces(text: str, size: int, wait: float) -> list[Step]:
    cut = [text[i : i + size] for i in range(0, len(text), size)]
    return [*[step for piece in cut for step in (chunk(piece), wait)], finish(), DONE]


def ask(lab: Lab, prompt: str = "%%llm --stream\nGo") -> None:
    lab.open("%load_ext cellmage", prompt)
    lab.run_next(0)
    lab.until(lambda: lab.is_done(0))
    lab.run_next()


def test_it_arrives_collapses_and_is_there_again(lab: Lab, server: ScriptedServer) -> None:
    server.play(*pieces(LONG, 20, 0.005))
    ask(lab)
    lab.until(lambda: "▌" in lab.output(1))
    lab.until(lambda: lab.outputs(1) > 1)
    assert not lab.is_done(1), "the answer is seen while the cell runs"
    assert "**" not in lab.output(1)
    lab.until(lambda: lab.is_done(1) and lab.outputs(1) == 1)
    lab.until(lambda: "Section 39" in lab.output(1))
    assert "▌" not in lab.output(1)
    shown = lab.output(1)
    (output,) = lab.save()
    assert "".join(output["data"]["text/plain"]) == LONG
    lab.reopen()
    lab.until(lambda: lab.output(1) == shown)


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
    assert server.last.over.wait(2)


def test_no_answer_acts(lab: Lab, server: ScriptedServer) -> None:
    """Live, at the end, and when the saved notebook is opened again."""
    cases: list[dict[str, Any]] = [c for c in HOSTILE["cases"] if c["category"] != "dos"]
    texts = [case["markdown"] for case in cases]
    server.play_for(lambda exchange: Reply(answer(texts[int(exchange.messages[-1][1])], 7)))
    half = len(texts) // 2  # JupyterLab shows 50 outputs of a cell, and hides the rest
    loops = [
        f"for n in range({begin}, {end}):\n    %llm --no-history {{{{ n }}}}"
        for begin, end in ((0, half), (half, len(texts)))
    ]
    lab.open("%load_ext cellmage", *loops)
    lab.run_next(0)
    lab.run_next()
    lab.run_next()
    lab.until(lambda: lab.is_done(2))
    for _ in range(2):
        lab.page.wait_for_timeout(2000)
        assert lab.page.evaluate("window.__pwn") is None
        assert [url for url in lab.outside if ".invalid" in url] == []
        answers = lab.page.locator(".jp-CodeCell .jp-OutputArea .jp-RenderedMarkdown")
        assert answers.count() >= len(texts)
        assert answers.locator(ACTIVE).evaluate_all("all => all.map(each => each.outerHTML)") == []
        assert "cp <src> <dst>" in lab.output(2)
        lab.save()
        lab.reopen()
