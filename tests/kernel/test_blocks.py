"""Cells of several prompts and of code, as people paste them, in a real kernel."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cellmage.providers.registry import DEFAULT_MODEL
from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel

DATA = Path(__file__).parents[1] / "data"


def prompts(server: ScriptedServer) -> list[str]:
    return [exchange.messages[-1][1] for exchange in server.exchanges]


class TestBlocks:
    def test_comments_and_several_prompts(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run(
            "# about the first\n%%llm\none\n\n# kept: not directly above\n\n"
            "# about\n# the second\n%%llm --temperature 0.1\ntwo\n# kept at the end"
        )
        assert run.ok, run.error
        assert prompts(server) == [
            "one\n\n# kept: not directly above",
            "two\n# kept at the end",
        ]
        assert len(server.last.messages) == 3, "the second block sees the first"

    def test_code_above(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("x = '''\n%%llm\n'''\n!true\n%llm_config -t 1\n\n%%llm\n{{ len(x) }}")
        assert run.ok, run.error
        assert prompts(server) == ["7"]
        assert server.last.body["temperature"] == 1

    def test_await_above(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("import asyncio\nawait asyncio.sleep(0)\n%%llm\nhi")
        assert run.ok, run.error
        assert prompts(server) == ["hi"]

    @pytest.mark.parametrize(
        "code",
        ["x = (1,\n%%llm\n", "x = '''\n%%llm\n", "for i in x:\n%%llm\n", "x = 1 + \\\n%%llm\nhi"],
    )
    def test_unfinished_code_is_left_alone(
        self, kernel: Kernel, server: ScriptedServer, code: str
    ) -> None:
        assert not kernel.run(code).ok
        assert not server.exchanges

    def test_other_magics_are_left_alone(self, kernel: Kernel, server: ScriptedServer) -> None:
        assert kernel.run("%%writefile out.txt\n%%llm\nhi").ok
        assert not server.exchanges
        assert not kernel.run("x = 1\n%%time\n%%llmx\nhi").ok

    @pytest.mark.parametrize("above", ["%%time", "%%capture got", "%%time\n\n%%capture got"])
    def test_below_another_magic(self, kernel: Kernel, server: ScriptedServer, above: str) -> None:
        assert kernel.run(f"{above}\n%%llm\n>>> 1 + 1\nIn [1]: x").ok
        assert prompts(server) == [">>> 1 + 1\nIn [1]: x"]

    def test_a_failure_stops_the_rest(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("x = 1\n1 / 0\n%%llm\nhi")
        assert run.reply["ename"] == "ZeroDivisionError"
        assert re.search(r"2.* 1 / 0|2\S* \S*1\S* \S*/\S* \S*0", run.error)
        assert not server.exchanges
        server.play(status=400)
        kernel.run("%%llm\nfirst\n\n# c\n%%llm\nsecond\n")
        run = kernel.run("# c\n%%llm\nfirst\n\n# c\n%%llm\nsecond\nn = 1\n")
        assert run.reply["ename"] == "HTTPStatusError"
        assert len(server.exchanges) == 2

    def test_line_numbers(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("# one\nx = 1\n%llm_config -t 1\nraise KeyError(x)\n%%llm\nhi")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", run.error)
        assert "----> 4 raise KeyError(x)" in plain

    def test_a_cell_that_begins_with_the_magic_is_one_prompt(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        run = kernel.run("%%llm\none\n%%llm\ntwo")
        assert prompts(server) == ["one\n%%llm\ntwo"]
        assert "one prompt" in run.printed

    def test_indented_cell(self, kernel: Kernel, server: ScriptedServer) -> None:
        assert kernel.run("\n  # c\n  %%llm\n  hi").ok
        assert prompts(server) == ["hi"]

    def test_tutorial(self, kernel: Kernel, server: ScriptedServer) -> None:
        """CELLMAGE_TUTORIAL=FILE runs the blocks of another document."""
        path = Path(os.environ.get("CELLMAGE_TUTORIAL", DATA / "tutorial.md"))
        server.play_with(lambda exchange: Reply(answer("Fine.", 2)))
        blocks = re.findall(
            r"^(```+)ipython\n(.*?)^\1$", path.read_text(), re.MULTILINE | re.DOTALL
        )
        assert len(blocks) > 5
        for _, code in blocks:
            run = kernel.run(code)
            assert run.ok, (code, run.error)
        calls = sum(len(re.findall(r"^%%llm\b", code, re.MULTILINE)) for _, code in blocks)
        assert len(server.exchanges) == calls
        assert {exchange.body["model"] for exchange in server.exchanges} == {
            "gpt-3.5-turbo", "gpt-4o", DEFAULT_MODEL,
        }  # fmt: skip
