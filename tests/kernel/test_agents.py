"""Agents made of any async generator of events: what they do is shown as they do it."""

from __future__ import annotations

from tests.kernel.client import Kernel

AGENT = """
import asyncio, cellmage

async def agent(request):
    yield cellmage.Status("Searching the *notes*…")
    await asyncio.sleep(0.2)
    yield cellmage.Document("Tides & <more>", "The moon pulls the sea.", "https://example.org/t")
    yield cellmage.Status("Found 1")
    await asyncio.sleep(0.2)
    yield cellmage.ToolCall("1", "height", '{"port": "Brest"}')
    await asyncio.sleep(0.2)
    yield cellmage.ToolResult("1", "height", "6.2 m")
    yield cellmage.Status("Writing…")
    for word in ("High ", "water ", "at 6.2 m."):
        yield word
        await asyncio.sleep(0.1)

registered = cellmage.register_provider(agent, name="agent")
"""


def test_status_documents_and_tools(kernel: Kernel) -> None:
    kernel.run(AGENT)
    run = kernel.run("%%llm --model agent\nHow high?")
    frames = [frame.markdown for frame in run.frames]
    assert "*Searching the &#42;notes&#42;…*" in frames[0]
    assert "*Found 1*" in frames

    def first_index(text: str) -> int:
        return next(index for index, frame in enumerate(frames) if text in frame)

    running = first_index("Brest&quot;) …")
    done = first_index("→ 6.2 m")
    text = first_index("High")
    assert running < done <= text
    answer, sources = (output["data"]["text/markdown"] for output in run.outputs)
    assert answer.endswith("</details>\n\nHigh water at 6.2 m.")
    title = "<b>[Tides &#38; &#60;more&#62;](<https://example.org/t>)</b>"
    assert f"\n1. {title} https&#58;//example&#46;org/t<br>" in sources
    assert "The moon pulls the sea." in sources
    assert kernel.value("[call.result for step in _llm.steps for call in step.calls]") == ["6.2 m"]


def test_a_request_that_it_does_not_answer(kernel: Kernel) -> None:
    """An agent that asks for a tool and ends leaves no call without a result."""
    kernel.run(
        "import cellmage\nasync def half(request):\n"
        "    yield 'Well. '\n    yield cellmage.ToolCall('1', 'height', '{}')\n"
        "registered = cellmage.register_provider(half, name='half')"
    )
    assert kernel.run("%%llm --model half\nGo").ok
    assert kernel.value("[call.result for step in _llm.steps for call in step.calls]") == [
        "cancelled: it was not run to its end"
    ]
