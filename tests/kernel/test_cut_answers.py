"""An answer that was cut: its page stays healed, and its plain text is what was received."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, ScriptedServer, chunk, finish, sse
from tests.kernel.client import Kernel, Run

ERROR = sse({"error": {"message": "worker died"}})
ENDS = {"connection": [], "error": [ERROR], "length": [finish("length"), DONE]}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("code", ["%%llm\nhi", "x = 1\n%llm hi", "%%llm --no-stream\nhi"])
def test_the_page_stays_healed(kernel: Kernel, server: ScriptedServer, end: str, code: str) -> None:
    server.play(chunk("First.\n\n**Ho"), *ENDS[end])
    output = kernel.run(code).outputs[0]
    assert output["data"]["text/markdown"] == "First.\n\n**Ho**"
    assert output["data"]["text/plain"] == "First.\n\n**Ho"
    assert kernel.value("_llm.text") == "First.\n\n**Ho"


def test_a_stopped_one(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(chunk("See `pri"), 30)
    msg_id, run = kernel.start("%%llm\nhi"), Run()
    kernel.collect(msg_id, run, until="pri")
    kernel.interrupt()
    assert kernel.finish(msg_id, run).outputs[0]["data"] == {
        "text/markdown": "See `pri`",
        "text/plain": "See `pri",
    }


def test_one_that_shows_nothing_when_it_is_healed(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(chunk("**"))
    output = kernel.run("%%llm\nhi").outputs[0]
    assert output["data"]["text/plain"] == "**"
    assert output["metadata"]["cellmage"]["incomplete_reason"]
