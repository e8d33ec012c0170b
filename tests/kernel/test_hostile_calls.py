"""What the question at the keyboard shows of a tool call is what runs."""

from __future__ import annotations

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, finish, tool_call
from tests.hostile_arguments import KEEP, equal, hostile_arguments, is_refused, read_items
from tests.kernel.client import Kernel
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.usefixtures("server")

SETS = 200 if IS_STRESS else 40
PRINTS_ALL = "a prints all"


def test_what_is_shown_is_what_runs(kernel: Kernel, server: ScriptedServer) -> None:
    arguments = hostile_arguments(SETS, 11)
    calls = [tool_call("keep", text, number) for number, text in enumerate(arguments)]
    server.play_each([Reply([*calls, finish("tool_calls")]), Reply(answer("Done."))])
    kernel.run(KEEP)
    allowed = [text for text in arguments if not is_refused(text)]
    msg_id = kernel.start("%%llm --tool keep\nKeep.")
    prompts = [allow(kernel) for _ in allowed]
    run = kernel.finish(msg_id)

    printed = (line for line in run.printed.split("\n") if line.startswith("keep("))
    shown = [next(printed) if PRINTS_ALL in prompt else prompt for prompt in prompts]
    assert equal(map(read_question, shown), allowed)
    assert equal(kernel.value("received"), allowed)
    assert run.printed.replace("\n", "").isprintable()


def allow(kernel: Kernel) -> str:
    """Answer the next question, after all of its call was printed, and return it."""
    prompt = str(kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"])
    if PRINTS_ALL in prompt:
        kernel.client.input("a")
        assert kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"] == prompt
    kernel.client.input("y")
    return prompt


def read_question(line: str) -> object:
    """Return the arguments in a question or in a printed call."""
    return read_items(line[line.index("keep(") + 5 : line.rindex(")")])
