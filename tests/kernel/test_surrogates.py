"""Halves of characters, which UTF-8 cannot encode: from values, tools, documents and providers."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, finish, tool_call
from tests.kernel.client import Kernel

NAMES = r"""
half = "caf\ud83d"
def menu() -> str:
    "Return the menu."
    return half
"""


@pytest.mark.parametrize("flags", ["", "--system '{half}'", "--tool menu --auto-approve"])
def test_a_half_is_replaced_once(kernel: Kernel, server: ScriptedServer, flags: str) -> None:
    call = Reply([tool_call("menu", "{}"), finish("tool_calls"), DONE])
    replies = [call] if "tool" in flags else []
    server.play_each([*replies, Reply(answer("Sure.")), Reply(answer("Yes."))])
    kernel.run(NAMES)
    kernel.run("%llm_config --store on")
    run = kernel.run(f"%%llm {flags}\n{{{{ half }}}}")
    assert run.ok, run.error
    assert any("caf\ufffd" in content for _, content in server.last.messages)
    assert kernel.run("%%llm\nAgain").ok
    assert server.last.messages[-3][1] == "caf\ufffd" or "tool" in flags
    assert "caf\ufffd" in kernel.run("%llm_history").printed


def test_a_provider_that_sends_halves(kernel: Kernel) -> None:
    kernel.run("from cellmage import *\nfrom cellmage.testing import ScriptedProvider")
    kernel.run("provider = ScriptedProvider(['caf\\ud83d', Reasoning('\\udc80')])")
    code = "response = show(Conversation(provider=provider).stream('Hi'))"
    run = kernel.run(code)
    assert run.ok, run.error
    assert "caf\ufffd" in str(run.outputs)
