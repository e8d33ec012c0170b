"""A chat template opened the reasoning: the text that was shown moves above the answer."""

from __future__ import annotations

from cellmage.testing import DONE, ScriptedServer, Step, chunk, finish
from tests.kernel.client import Kernel, Run

STEPS: list[Step] = [
    chunk("**We"), 0.2, chunk("igh** it"), 0.2, chunk("</think>\n\nHel"), 0.2, chunk("lo"),
    finish(), DONE,
]  # fmt: skip


def check(run: Run, kernel: Kernel) -> None:
    frames = [message.markdown for message in run.frames]
    assert any(frame.startswith("**We") for frame in frames), "the text is shown while it arrives"
    assert not any("think>" in frame for frame in frames)
    seen = [output["data"]["text/markdown"] for output in run.outputs]
    page = "".join(seen)
    assert page.index("> **Weigh** it") < page.index("Hello"), "the reasoning is above the answer"
    assert page.count("Weigh") == page.count("Hello") == 1
    assert "▌" not in page
    assert "<summary>Reasoning</summary>" in page, "folded"


def test_in_a_cell_of_its_own(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*STEPS)
    run = kernel.run("%%llm -m m\nGo")
    assert run.ok
    check(run, kernel)
    assert run.texts[-1] == "Hello"
    assert kernel.value("(_llm.text, _llm.reasoning)") == ("Hello", "**Weigh** it")
    assert kernel.run("%%llm -m m\nAgain").ok
    sent = server.last.messages
    assert sent[1] == ("assistant", "Hello"), "the reasoning is not sent again"


def test_between_other_outputs(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*STEPS)
    run = kernel.run("print('before')\nfor number in range(1):\n    %llm -m m Go\nprint('after')")
    check(run, kernel)


def test_an_interrupt_after_it(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*STEPS[:5], 30.0)
    message = kernel.start("%%llm -m m\nGo")
    run = kernel.collect(message, Run(), until="Hel")
    kernel.interrupt()
    run = kernel.finish(message, run)
    page = "".join(output["data"]["text/markdown"] for output in run.outputs)
    assert page.index("> **Weigh** it") < page.index("Hel")
    assert kernel.value("(_llm.text, _llm.reasoning)") == ("Hel", "**Weigh** it")
