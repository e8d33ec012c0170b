"""Ambient mode in a real kernel: which cells are prompts, and which are not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cellmage.magics.ambient import AMBIENT_NOTICE
from cellmage.testing import ScriptedServer, answer
from tests.kernel.client import Kernel


@pytest.fixture
def ambient(kernel: Kernel) -> Iterator[Kernel]:
    assert kernel.run("%llm_ambient on").printed == f"{AMBIENT_NOTICE}\n"
    yield kernel
    kernel.run("%llm_ambient off")


class TestPrompts:
    def test_a_cell_is_a_prompt_and_says_so(self, ambient: Kernel, server: ScriptedServer) -> None:
        server.play(*answer("Because."))
        run = ambient.run("Why is it's sky {{ 1 + 1 }}?\n\n  'blue", "c1")
        assert run.ok
        assert server.last.messages == [("user", "Why is it's sky 2?\n\n  'blue")]
        assert run.texts[0] == "Because."
        assert AMBIENT_NOTICE in run.texts[-1]
        assert not run.of_type("execute_result")
        ambient.run("x = 1", "c2")
        assert server.last.messages[-1] == ("user", "x = 1")
        ambient.run("x = 2", "c2")
        assert len(server.last.messages) == 3, "a cell that is run again replaces its turn"

    def test_cells_that_are_no_prompt(self, ambient: Kernel, server: ScriptedServer) -> None:
        for code in ("%%time\n1", "%pwd", "!true", "?print", "  \n%pwd", "", "\n\n"):
            assert ambient.run(code).ok
        assert not server.exchanges
        ambient.run("%llm explicit")
        assert server.last.messages == [("user", "explicit")]

    def test_off(self, ambient: Kernel, server: ScriptedServer) -> None:
        assert ambient.run("%llm_ambient off").printed == "Ambient mode is off.\n"
        assert ambient.run("y = 5").ok
        assert ambient.value("y") == 5
        assert not server.exchanges
        assert "%llm_ambient on, or" in ambient.run("%llm_ambient").error

    def test_a_reload_keeps_it_and_an_unload_ends_it(
        self, ambient: Kernel, server: ScriptedServer
    ) -> None:
        ambient.run("%reload_ext cellmage")
        ambient.run("still on?")
        assert server.last.messages == [("user", "still on?")]
        ambient.run("%unload_ext cellmage")
        assert ambient.run("z = 6").ok
        assert ambient.value("z") == 6
        ambient.run("%load_ext cellmage")
        assert ambient.run("z = 7").ok


class TestPython:
    def test_py_runs_python_with_await_and_magics(
        self, ambient: Kernel, server: ScriptedServer
    ) -> None:
        run = ambient.run(
            "%%py\nimport asyncio\nawait asyncio.sleep(0)\nhere = %pwd\n%timeit -n1 -r1 1\n1 + 1"
        )
        assert run.ok, run.error
        assert run.of_type("execute_result")[0].content["data"]["text/plain"] == "2"
        assert ambient.value("bool(here)")
        assert not server.exchanges
        run = ambient.run("%%py\n1 / 0")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", run.error)
        assert re.search(r"-> 2 1 ?/ ?0", plain), "the line has its number"
        assert ambient.run("%%py\n%%capture\nprint(1)").printed == ""
        assert ambient.run("%llm_ambient off\n").ok
        assert ambient.run("%%py\nq = 1").ok
        assert ambient.value("q") == 1


class TestBackground:
    @pytest.mark.parametrize("quiet", [{"silent": True}, {"store_history": False}])
    def test_what_the_page_runs_is_left_alone(
        self, ambient: Kernel, server: ScriptedServer, quiet: dict[str, bool]
    ) -> None:
        ambient.run("background = 1", **quiet)
        assert ambient.value("background") == 1
        ambient.run("%%py\ndel background")
        assert not server.exchanges

    def test_code_that_runs_code_is_left_alone(
        self, ambient: Kernel, server: ScriptedServer
    ) -> None:
        ambient.run("%%py\n_ = get_ipython().run_cell('inner = 3', store_history=True)")
        assert ambient.value("inner") == 3
        ambient.run("%%py\nimport IPython; IPython.get_ipython().Completer.complete('imp')")
        assert not server.exchanges

    def test_a_prompt_is_complete_code(self, ambient: Kernel) -> None:
        ambient.client.is_complete("Why is (the sky blue")
        assert ambient.client.get_shell_msg(timeout=60)["content"]["status"] == "complete"
