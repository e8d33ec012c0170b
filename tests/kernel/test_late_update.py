"""The last frames of a cell with other output are published again after the cell."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel import test_frames
from tests.kernel.client import Kernel, Run

LONG = test_frames.TestParts.LONG


def late_frames(kernel: Kernel, code: str, count: int | None = None) -> tuple[Run, Run]:
    """Run a cell, and return its messages, and those that follow until so many frames arrived.

    Without a number, a frame for each output: how many parts an answer has depends on its timing.
    """
    msg_id = kernel.start(code)
    run = kernel.finish(msg_id)
    return run, kernel.collect(msg_id, Run(), frames=count or len(run.outputs))


@pytest.mark.parametrize("code", ["%llm Go", "# c\n%%llm\nGo", "%llm Go\nprint('beside')"])
def test_a_cell_with_other_output(kernel: Kernel, server: ScriptedServer, code: str) -> None:
    server.play(chunk("One "), 0.1, chunk("**two**"), finish(), DONE)
    run, late = late_frames(kernel, code, 1)
    (again,) = late.frames
    assert again.type == "update_display_data"
    assert (again.display_id, again.content) == (run.frames[-1].display_id, run.frames[-1].content)


def test_all_parts_of_a_long_answer(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer(LONG, 400))
    _, late = late_frames(kernel, "%llm Go")
    assert "".join(frame.content["data"]["text/plain"] for frame in late.frames) == LONG


def test_a_tool_that_prints(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("def f() -> str:\n    'Print.'\n    print('beside')\n    return 'done'")
    call = Reply([tool_call("f", "{}"), finish("tool_calls"), DONE])
    server.play_each([call, Reply(answer("It is done."))])
    run, late = late_frames(kernel, "%%llm --tool f --auto-approve\nGo", 1)
    assert late.frames[0].content == run.frames[-1].content


def test_not_where_nothing_else_writes(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer("Alone."))
    alone = kernel.start("%%llm\nGo")
    kernel.finish(alone)
    beside = kernel.start("%llm Go")
    kernel.finish(beside)
    parents = []
    while beside not in parents:  # the update of the first cell would have come before it
        message = kernel.client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "update_display_data":
            parents.append(message["parent_header"]["msg_id"])
    assert alone not in parents
