"""The end of an answer in a cell of its own: one output, and nothing of others is lost."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel
from tests.kernel.test_frames import TestParts

TOOLS = {
    "print": "print('from the tool')",
    "display": "display('from the tool')",
    "error stream": "import sys; sys.stderr.write('from the tool')",
}


def play(server: ScriptedServer, text: str = "It *rains*.") -> None:
    call = [chunk("Let me **see**."), tool_call("weather", "{}"), finish("tool_calls"), DONE]
    server.play_each([Reply(call), Reply(answer(text, 20))])


def define(kernel: Kernel, line: str) -> None:
    kernel.run(f"def weather():\n    {line}\n    return 'rain'")


def test_a_quiet_tool_leaves_one_output(kernel: Kernel, server: ScriptedServer) -> None:
    """JupyterLab makes the user's answer to a question an output: it is cleared."""
    define(kernel, "pass")
    play(server)
    run = kernel.run("%%llm --tool weather --auto-approve\nGo")
    assert [message.content for message in run.of_type("clear_output")] == [{"wait": True}]
    assert run.texts == ["Let me **see**.It *rains*."]
    kernel.run("import sys")
    assert kernel.value("[sys.stdout.echo, sys.stderr.echo]") == [None, None]
    play(server)
    run = kernel.run("x = 1\n%llm --tool weather --auto-approve Go")
    assert not run.of_type("clear_output")


@pytest.mark.parametrize("text", ["It *rains*.", TestParts.LONG], ids=["short", "long"])
@pytest.mark.parametrize("line", TOOLS.values(), ids=TOOLS)
def test_what_a_tool_shows_stays(
    kernel: Kernel, server: ScriptedServer, line: str, text: str
) -> None:
    define(kernel, line)
    play(server, text)
    run = kernel.run("%%llm --tool weather --auto-approve\nGo")
    assert not run.of_type("clear_output")
    assert "from the tool" in run.printed + str(run.texts)
    parts = [o for o in run.outputs if "cellmage" in o["metadata"]]
    assert "".join(o["data"]["text/plain"] for o in parts) == f"Let me **see**.{text}"
    assert parts[-1]["metadata"]["cellmage"]["finish_reason"] == "stop"
