"""Loading and unloading the extension, and what a magic leaves in the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage.conversation.saved_answers import find_whole_ids
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish
from tests.kernel.client import Kernel


def files(home: Path) -> set[Path]:
    """All but IPython's own, which come and go with its history."""
    return {path for path in home.rglob("*") if "ipython" not in path.parts}


class TestLoading:
    def test_twice_and_under_both_names_doubles_nothing(
        self, offline: Kernel, server: ScriptedServer
    ) -> None:
        count = (
            "(sum(type(c).__name__ == 'LLMMagics' for c in get_ipython().configurables),"
            " sum(type(t).__name__ == 'CellTransformer'"
            " for t in get_ipython().input_transformers_cleanup),"
            " sum(t.__name__ == 'LineTransformer'"
            " for t in get_ipython().input_transformer_manager.token_transformers),"
            " sum(f.__qualname__ == 'PromptRunner.after_run'"
            " for f in get_ipython().events.callbacks['post_run_cell']),"
            " sorted(m for k in get_ipython().magics_manager.magics.values()"
            " for m in k if m.startswith('llm')))"
        )
        *once, names = offline.value(count)
        assert once == [1, 1, 1, 1]
        assert names.count("llm") == names.count("llm_compare") == 2  # of a line and of a cell
        for name in ("cellmage", "cellmage.integrations.ipython_magic"):
            offline.run(f"%load_ext {name}")
            offline.run(f"import importlib, {name} as m; m.load_ipython_extension(get_ipython())")
        assert offline.value(count) == (1, 1, 1, 1, names)
        offline.run("%unload_ext cellmage")
        assert offline.value(count) == (0, 0, 0, 0, [])
        assert not offline.run("%%llm\nhi").ok
        offline.run("%load_ext cellmage.integrations.ipython_magic")
        assert offline.value(count) == (1, 1, 1, 1, names)

    def test_loading_writes_nothing_and_is_light(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        home = tmp_path_factory.mktemp("home4")
        kernel = Kernel(home)
        try:
            before = files(home)
            kernel.run("import sys")
            heavy = "[m for m in ('openai', 'ipywidgets') if m in sys.modules]"
            assert kernel.value(heavy) == []
            # In one cell: when it has ended, the SDK is imported early.
            assert kernel.run(f"%load_ext cellmage\nprint({heavy})").printed == "[]\n"
            kernel.run("%llm_config --list-personas")
            assert files(home) == before
        finally:
            kernel.close()

    def test_the_offline_model_says_once_that_it_is_one(self, offline: Kernel) -> None:
        first, second = offline.run("%%llm\nhi"), offline.run("%%llm\nhi")
        assert "No model is configured" in first.texts[1]
        assert len(second.texts) == 1
        assert "3 messages" in second.texts[0]

    def test_reload_keeps_settings_and_conversations(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("%llm_config -m some/model -t 0.3")
        kernel.run("%llm first")
        for name in ("cellmage", "cellmage.integrations.ipython_magic"):
            run = kernel.run(f"%reload_ext {name}")
            assert run.ok, run.error
            kernel.run("%llm second")
            assert server.last.body["model"] == "some/model"
            assert server.last.messages[0] == ("user", "first")
        assert "flag" in kernel.run("%llm_config").printed
        kernel.run("%unload_ext cellmage\n%load_ext cellmage")
        kernel.run("%llm third")
        assert server.last.messages == [("user", "third")]
        assert server.last.body["model"] == "gpt-6-luna"

    def test_returns_nothing(self, kernel: Kernel) -> None:
        assert not kernel.run("%%llm\nhi").of_type("execute_result")
        assert not kernel.run("r = %llm hi").of_type("execute_result")
        assert kernel.value("r") == "ok"

    def test_out_and_last_response(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*answer("Hello", 2))
        kernel.run("%%llm --out text\nhi")
        assert kernel.value("(text, _llm.text, _llm.finish_reason, str(_llm))") == (
            "Hello", "Hello", "stop", "Hello",
        )  # fmt: skip

    def test_an_answer_without_text_says_so(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%%llm --out text\nfirst")
        server.play(chunk(reasoning="hm"), finish("stop"), DONE)
        run = kernel.run("%%llm --out text\nsecond")
        assert run.ok
        assert run.texts == ["hm", "(The model sent no text (finish reason: stop).)"]
        own = run.outputs[0]["metadata"]["cellmage"]
        assert (own["part"], own["of"], own["prompt"]) == ("reasoning", 0, "second")
        assert find_whole_ids(run.outputs) == {own["id"]}
        assert kernel.value("(text, _llm.reasoning)") == ("", "hm")
        server.play(status=400)
        kernel.run("text = 'kept'")
        kernel.run("%%llm --out text\nthird")
        assert kernel.value("(text, _llm.incomplete_reason)") == ("kept", "bad_request")
