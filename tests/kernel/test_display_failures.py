"""A display that fails: the answer is closed, what had arrived is a turn, and the cell fails."""

from __future__ import annotations

import pytest

from cellmage.testing import ScriptedServer, answer, chunk
from tests.kernel.client import Kernel

HOOK = """
from IPython import get_ipython
def fail(message):
    fail.count += 1
    if {when}:
        raise RuntimeError("out of paper")
    return message
fail.count = 0
get_ipython().display_pub.register_hook(fail)
"""


@pytest.mark.parametrize("when", ["fail.count == 3", "fail.count >= 3"], ids=["once", "always"])
def test_a_hook_that_raises(kernel: Kernel, server: ScriptedServer, when: str) -> None:
    server.play(*[step for number in range(300) for step in (chunk(f"word{number} "), 0.1)])
    kernel.run(HOOK.format(when=when))
    run = kernel.run("%%llm\nGo")
    kernel.run("get_ipython().display_pub.unregister_hook(fail)")
    assert "RuntimeError" in run.error
    assert "out of paper" in run.error
    assert server.last.finished.wait(10)
    assert server.last.closed_at
    assert kernel.value("_llm.incomplete_reason") == "closed"
    server.play(*answer("Yes."))
    assert kernel.run("%%llm\nGo on").ok
    roles = [role for role, _ in server.last.messages]
    assert roles == ["user", "assistant", "user"]
    assert "word0" in server.last.messages[1][1]
