"""Cells as people type and paste them, in a real kernel."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellmage.display import heal, sanitize
from tests.kernel.client import Kernel
from tests.scripted_server import DONE, Reply, ScriptedServer, answer, chunk, finish, sse
from tests.test_sse import cut

CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
DATA = Path(__file__).parents[1] / "data"


def prompts(server: ScriptedServer) -> list[str]:
    return [exchange.messages[-1][1] for exchange in server.exchanges]


class TestPrompt:
    @pytest.mark.parametrize(
        "body",
        [
            ">>> 1 + 1\n2\n>>> x",
            "In [1]: a\nOut[1]: b",
            "    indented\n  less",
            "ends with a question?",
            "%timeit x\n!ls\nobj?",
            'it\'s "quoted" \\ and {single} }} braces',
            "\n\nblank lines around\n\n",
            "'''\"\"\"\n# comment\n\ttab",
            "line\u2028separator\x0b and\x0cfeed",
        ],
    )
    def test_body_is_sent_verbatim(self, kernel: Kernel, server: ScriptedServer, body: str) -> None:
        assert kernel.run(f"%%llm\n{body}").ok
        assert prompts(server) == [body.removesuffix("\n")]

    @pytest.mark.parametrize(
        ("line", "prompt"),
        [
            ("%llm What is it?", "What is it?"),
            ("%llm what?? or what", "what?? or what"),
            ("%llm it's (unfinished", "it's (unfinished"),
            ('%llm say "hi" # loudly', 'say "hi" # loudly'),
            ("%llm -t 0.5 --no-history hello -t there", "hello -t there"),
            ("%llm -- -t is a flag", "-t is a flag"),
            ("%llm --temperature=0.5 $HOME {x}", "$HOME {x}"),
            ("if True:\n    %llm deep?", "deep?"),
        ],
    )
    def test_line(self, kernel: Kernel, server: ScriptedServer, line: str, prompt: str) -> None:
        run = kernel.run(line)
        assert run.ok, run.error
        assert prompts(server) == [prompt]

    def test_values_of_expressions(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("x = {'a': ['{{ x }}', 2]}")
        run = kernel.run("%%llm\n{{ x['a'][0] }}, {{ {'k': {1: 'v'}}['k'][1] }}, {x}")
        assert run.ok, run.error
        kernel.run("def f(y):\n    %llm {{ y + 1 }} {{ sum(y for _ in range(2)) }}\nf(20)")
        kernel.run("%%llm --raw\n{{ x }}")
        assert prompts(server) == ["{{ x }}, v, {x}", "21 40", "{{ x }}"]

    @pytest.mark.parametrize("body", ["{{ nosuch }}", "{{ 1 +", "{{ }}", "style={{ color: 1 }}"])
    def test_bad_expressions(self, kernel: Kernel, server: ScriptedServer, body: str) -> None:
        run = kernel.run(f"%%llm\n{body}")
        assert run.reply["ename"] == "UsageError"
        assert not server.exchanges

    @settings(max_examples=40)
    @given(
        texts=st.lists(st.text(min_size=1), min_size=1, max_size=8),
        places=st.lists(st.integers(0, 10_000), max_size=8),
        wait=st.sampled_from([0.0, 0.02, 0.06]),
    )
    def test_any_answer_cut_at_any_byte(
        self,
        kernel: Kernel,
        server: ScriptedServer,
        texts: list[str],
        places: list[int],
        wait: float,
    ) -> None:
        """The text is in the response, in the history and in the last frame; no frame is wrong."""
        pieces = cut(b"".join([*map(chunk, texts), finish(), DONE]), places)
        server.play(*[step for piece in pieces for step in (piece, wait)])
        kernel.run("%llm_history --clear")
        run = kernel.run("%%llm --out text\nGo")
        whole = "".join(texts)
        *live, last = [frame for frame in run.frames if "thinking" not in frame.markdown]
        assert last.markdown == sanitize(whole)
        assert last.content["data"]["text/plain"] == re.sub(CONTROL, "", whole)
        frames = [sanitize(heal(whole[:end], "▌")) for end in range(len(whole) + 1)]
        ends = [frames.index(frame.markdown) for frame in live]
        assert ends == sorted(ends), "each frame shows the text so far"
        assert kernel.value("(text, _llm.text)") == (whole, whole)
        kernel.run("%%llm --no-rollback\nNext")
        assert server.last.messages[1] == ("assistant", whole)


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
        server.play_for(lambda exchange: Reply(answer("Fine.", 2)))
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
            "gpt-3.5-turbo", "gpt-4o", "gpt-4o-mini",
        }  # fmt: skip


class TestBadInput:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("%%llm --nosuch\nhi", "there is no flag --nosuch"),
            ("%%llm --temp 1\nhi", "there is no flag --temp"),
            ("%%llm -t warm\nhi", "invalid float value"),
            ("%%llm -t 2.5\nhi", "temperature is 2.5; it must be a number from 0 to 2"),
            ("%%llm -t -1\nhi", "temperature is -1"),
            ("%%llm --max-tokens 0\nhi", "max_tokens is 0"),
            ("%%llm -s 'open\nhi", "a quote is not closed"),
            ("%%llm -s\nhi", "a value is missing"),
            ("%%llm --param top_p\nhi", "a value is missing"),
            ("%%llm --out 1x\nhi", "--out 1x"),
            ("%%llm text here\nbody", "below the %%llm line"),
            ("%%llm", "the prompt is empty"),
            ("%%llm\n  \n", "the prompt is empty"),
            ("%llm", "the prompt is empty"),
            ("%llm --stream", "the prompt is empty"),
            ("%%llm --chat nosuch\nhi", "there is no chat 'nosuch'"),
            ("%%llm -p nosuch\nhi", "there is no persona 'nosuch'"),
            ("%llm_config -t 3", "temperature is 3"),
            ("%llm_config --stream-by-default maybe", "invalid boolean value"),
            ("%llm_config --persona nosuch", "there is no persona"),
            ("%llm_config --remove-param x", "x is not set"),
            ("%llm_config --nosuch", "there is no flag"),
            ("%llm_config model", "takes flags only"),
            ("%llm_history --undo x", "invalid int value"),
            ("%llm_history --undo 0", "0 turns cannot be undone"),
            ("%llm_history --chat nosuch", "there is no chat"),
            ("%llm_history --new ''", "is empty, too long"),
            ("%llm --param temperature 9 hi", "use --temperature"),
            ("%llm_config --param messages []", "they are the conversation's"),
            ("%llm {{ 'a' + 1 }}", "failed: TypeError"),
        ],
    )
    def test_one_line_and_nothing_changes(
        self, kernel: Kernel, server: ScriptedServer, code: str, said: str
    ) -> None:
        kernel.run("%llm first")
        before = kernel.run("%llm_config\n%llm_history").printed
        run = kernel.run(code)
        assert run.reply["ename"] == "UsageError", run.reply
        assert run.of("error"), "nbval and nbclient see the failure"
        assert said in run.error
        assert "\n" not in run.error
        assert len(server.exchanges) == 1
        assert kernel.run("%llm_config\n%llm_history").printed == before

    def test_half_of_a_bad_config_is_not_set(self, offline: Kernel) -> None:
        assert not offline.run("%llm_config -m offline/echo -t 9").ok
        assert "offline/echo" not in offline.run("%llm_config").printed
        assert offline.run("%llm_config --base-url localhost:80").reply["ename"] == "ConfigError"

    @pytest.mark.parametrize("code", ["%%llm --help", "%llm -h", "%llm_config --help"])
    def test_help(self, kernel: Kernel, server: ScriptedServer, code: str) -> None:
        run = kernel.run(code)
        assert run.ok
        assert "--temperature" in run.printed
        assert not server.exchanges


class TestConfig:
    def test_every_setting_says_where_it_comes_from(self, offline: Kernel) -> None:
        def line(name: str) -> list[str]:
            printed = offline.run("%llm_config").printed
            return next(li for li in printed.splitlines() if li.startswith(name)).split()

        assert line("model") == ["model", "offline/tour", "default"]
        offline.run("%env CELLMAGE_MODEL=offline/echo")
        assert line("model") == ["model", "offline/echo", "environment,", "CELLMAGE_MODEL"]
        offline.run("%config LLMMagics.temperature = 0.3")
        assert line("temperature") == ["temperature", "0.3", "config"]
        offline.run("%llm_config -t 0.7 -m offline/tour")
        assert line("temperature") == ["temperature", "0.7", "flag"]
        assert line("model") == ["model", "offline/tour", "flag"]
        offline.run("%llm_config --reset")
        assert line("temperature") == ["temperature", "0.3", "config"]
        assert line("model")[1] == "offline/echo"
        assert len(offline.run("%llm_config").printed.splitlines()) == 22
        offline.run("del get_ipython().config.LLMMagics['temperature']")

    def test_settings_are_what_is_sent(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%llm_config -m a -t 1 --max-tokens 7 -s sys --param top_p 0.5 --param stop END")
        kernel.run("%%llm -m b --param top_p 0.9\nhi")
        body = server.last.body
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("b", 1, 7)
        assert (body["top_p"], body["stop"]) == (0.9, "END")
        assert server.last.messages == [("system", "sys"), ("user", "hi")]
        kernel.run("%llm_config --remove-param stop")
        kernel.run("%%llm\nhi")
        assert "stop" not in server.last.body

    def test_config_files(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        home = tmp_path_factory.mktemp("home3")
        profile = home / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_config.py").write_text(
            "c.InteractiveShellApp.extensions = ['cellmage']\nc.LLMMagics.model = 'offline/echo'\n"
        )
        kernel = Kernel(home)
        try:
            assert kernel.run("%%llm\nhi there").frames[-1].markdown == "hi there"
            assert "config" in kernel.run("%llm_config").printed
        finally:
            kernel.close()

    def test_personas(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(
            "import pathlib; p = pathlib.Path('llm_personas'); p.mkdir(exist_ok=True)\n"
            "_ = (p / 'pirate.md').write_text('---\\ntemperature: 1.5\\n---\\nArr.')"
        )
        listed = kernel.run("%llm_config --list-personas").printed
        for name in ("code_expert", "teacher", "reviewer", "data_analyst", "editor", "terse"):
            assert name in listed
        assert "pirate" in listed
        kernel.run("%llm_config --persona pirate")
        assert "Arr." in kernel.run("%llm_config --show-persona").printed
        kernel.run("%%llm\nhi")
        assert server.last.messages[0] == ("system", "Arr.")
        assert server.last.body["temperature"] == 1.5
        kernel.run("%%llm -p terse -t 0\nhi")
        assert server.last.body["temperature"] == 0
        assert "few words" in server.last.messages[0][1]
        kernel.run("%llm_config --no-persona")
        kernel.run("%%llm\nhi")
        assert server.last.messages[0][0] == "user"

    def test_image_hosts(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*answer("![a](https://pics.example/a.png)"))
        kernel.run("%llm_config --image-hosts pics.example,other.example")
        assert kernel.run("%llm hi").frames[-1].markdown == "![a](https://pics.example/a.png)"
        kernel.run("%llm_config --reset")
        assert "(image at pics.example)" in kernel.run("%llm hi").frames[-1].markdown
        assert kernel.value("_llm.text") == "![a](https://pics.example/a.png)"

    def test_reset_forgets_parameters_too(self, offline: Kernel) -> None:
        offline.run("%llm_config --param a 1 --param stop ---")
        assert "{'a': 1, 'stop': '---'}" in offline.run("%llm_config").printed
        offline.run("%llm_config --reset --param b 2")
        assert "{'b': 2}" in offline.run("%llm_config").printed

    def test_a_refused_config_does_not_stick(self, offline: Kernel) -> None:
        offline.run("%config LLMMagics.temperature = 9")
        run = offline.run("%unload_ext cellmage\n%load_ext cellmage")
        assert run.ok
        assert "temperature cannot be 9" in run.printed
        assert offline.run("%llm_config -t 1\n%llm_config --reset").ok

    def test_a_bad_persona_is_listed_as_one(self, offline: Kernel) -> None:
        offline.run(
            "import os, pathlib; p = pathlib.Path('llm_personas'); p.mkdir(exist_ok=True)\n"
            "_ = (p / 'hot.md').write_text('---\\ntemperature: 7\\n---\\nHot.')"
        )
        listed = offline.run("%llm_config --list-personas").printed
        assert "cannot be used: persona 'hot': temperature is 7" in listed
        offline.run("(p / 'hot.md').write_text('Hot.'); os.makedirs('sub', exist_ok=True)")
        run = offline.run("%cd -q sub\n%llm -m offline/echo -p hot --dry-run hi\n%cd -q ..")
        assert "[system]\nHot." in run.printed, "beside the notebook, wherever the kernel has gone"

    def test_dry_run_counts_for_nothing(self, kernel: Kernel) -> None:
        kernel.run("%llm one\n%llm two", "c1")
        kernel.run("%llm --dry-run one", "c1")
        assert len(kernel.run("%llm_history").printed.splitlines()) == 3

    def test_dry_run_sends_nothing(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("%%llm --dry-run -m some/model -t 0.5 -s sys\nhi {{ 1 + 1 }}")
        assert run.ok
        for part in ("nothing was sent", "some/model", "0.5", "sys", "hi 2"):
            assert part in run.printed
        assert not server.exchanges
        assert kernel.run("%llm_history").printed == "no turns yet\n"


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
            " sum(f.__name__ == 'after_run'"
            " for f in get_ipython().events.callbacks['post_run_cell']),"
            " sorted(m for k in get_ipython().magics_manager.magics.values()"
            " for m in k if m.startswith('llm')))"
        )
        others = ["config", "history", "index", "models", "stop"]
        names = ["llm", "llm", "llm_compare", "llm_compare", *(f"llm_{each}" for each in others)]
        assert offline.value(count) == (1, 1, 1, 1, names)
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
            assert kernel.run("%load_ext cellmage").ok
            assert kernel.value(heavy) == []
            kernel.run("%llm_config --list-personas")
            assert files(home) == before
        finally:
            kernel.close()

    def test_the_offline_model_says_once_that_it_is_one(self, offline: Kernel) -> None:
        first, second = offline.run("%%llm\nhi"), offline.run("%%llm\nhi")
        assert "No model is configured" in first.shown[1]
        assert len(second.shown) == 1
        assert "3 messages" in second.shown[0]

    def test_returns_nothing(self, kernel: Kernel) -> None:
        assert not kernel.run("%%llm\nhi").of("execute_result")
        assert not kernel.run("r = %llm hi").of("execute_result")
        assert kernel.value("r") is None

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
        assert run.shown == ["hm", "(The model sent no text (finish reason: stop).)"]
        assert kernel.value("(text, _llm.reasoning)") == ("", "hm")
        server.play(status=400)
        kernel.run("text = 'kept'")
        kernel.run("%%llm --out text\nthird")
        assert kernel.value("(text, _llm.incomplete_reason)") == ("kept", "bad_request")


def test_await_in_a_cell_can_be_interrupted(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(sse({"choices": []}), end="hang")
    kernel.run("import cellmage; chat = cellmage.Conversation()")
    msg_id = kernel.start("print('go', flush=True)\nasync for text in chat.astream('hi'): pass")
    while not server.exchanges:
        time.sleep(0.02)
    kernel.interrupt()
    run = kernel.finish(msg_id)
    assert run.reply["status"] == "error"
    assert server.last.over.wait(2)
