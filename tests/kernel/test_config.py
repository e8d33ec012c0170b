"""``%llm_config``, configuration files, personas, and ``--dry-run``."""

from __future__ import annotations

import re

import pytest

from cellmage.testing import ScriptedServer, answer
from tests.kernel.client import Kernel


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
        offline.run("rows = %llm_config")
        rows = offline.value("list(rows)")
        assert len(rows) == 33
        changed, model_group, *_ = offline.run("%llm_config").printed.split("\n\n")
        assert [line.split()[0] for line in changed.splitlines()[1:]] == [
            "Changed", "model", "temperature",
        ]  # fmt: skip
        assert model_group.startswith("The model\neffort ")
        offline.run("del get_ipython().config.LLMMagics['temperature']")

    def test_time_limits_have_their_unit_and_their_defaults(self, offline: Kernel) -> None:
        offline.run("rows = %llm_config")
        rows = offline.value("{row['setting']: row['value'] for row in rows}")
        assert rows["connect_timeout"] == "5 s"
        assert rows["first_byte_timeout"] == "60 s, 300 s on this machine"
        assert (rows["timeout"], rows["idle_timeout"]) == ("120 s", "60 s")

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
            "(p / 'pirate.md').write_text('---\\ntemperature: 1.5\\n---\\nArr.')"
        )
        listed = kernel.run("%llm_config --list-personas").printed
        for name in ("code_expert", "teacher", "reviewer", "data_analyst", "editor", "terse"):
            assert name in listed
        assert "pirate" in listed
        kernel.run("%llm_config --persona pirate")
        shown = kernel.run("%llm_config --show-persona").printed
        assert shown.splitlines()[:4] == ["pirate", "temperature: 1.5", "", "Arr."]
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
            "(p / 'hot.md').write_text('---\\ntemperature: 7\\n---\\nHot.')"
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
        assert kernel.run("%llm_history").printed == "No turns yet.\n"

    def test_dry_run_estimates_tokens_window_and_dollars(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        printed = kernel.run(f"%llm --dry-run -m gpt-6-luna {'word ' * 8000}").printed
        line = "estimate for gpt-6-luna: about 10004 tokens, 0.95 % of the context window of"
        assert line in printed
        assert "$" not in printed.partition("[user]")[0], "a server of this machine costs nothing"
        hosted = "%llm --dry-run -m groq/openai/gpt-oss-20b hi"
        run = kernel.run(f"import os; os.environ['GROQ_API_KEY'] = 'x'\n{hosted}")
        assert not run.error
        assert re.search(r"\$0\.0\d* for the request, \$0\.0\d* for each 1000 tokens", run.printed)
        assert kernel.run("del os.environ['GROQ_API_KEY']").ok
        compared = kernel.run("%llm --dry-run --compare gpt-6-sol,mine hi").printed
        assert re.search(
            r"gpt-6-sol: about 5 tokens, < 0.01 %.*\n.*mine: about 5 tokens\n", compared
        )
        assert not server.exchanges


def test_a_change_says_what_holds_and_which_key_is_used(
    kernel: Kernel, server: ScriptedServer
) -> None:
    run = kernel.run("%llm_config -m some/model -t 0.5")
    assert run.printed == (
        "Now set: model some/model, temperature 0.5.\n"
        f"some/model will be asked at 127.0.0.1:{server.port}, a key is set.\n"
    )
    assert kernel.run("%llm_config --stats True").printed == "Now set: stats True.\n"
    assert "offline/echo needs no key." in kernel.run("%llm_config -m offline/echo").printed
    run = kernel.run("%llm_config --base-url https://api.groq.com/openai/v1 -m llama")
    assert run.ok, "the key may be set later"
    assert "llama at api.groq.com needs a key: set the environment variable GROQ" in run.printed
    assert not server.exchanges


def test_locks_of_the_machine(offline: Kernel) -> None:
    offline.run(
        "import pathlib\nfrom IPython.core import application\n"
        "hub = pathlib.Path('hub'); hub.mkdir(exist_ok=True)\n"
        "(hub / 'ipython_config.py').write_text("
        '\'c = get_config()\\nc.LLMLocks.data = "schema"\\n'
        'c.LLMLocks.models = ["offline/echo"]\');\n'
        "application.SYSTEM_CONFIG_DIRS.append(str(hub.resolve()))\n"
        "%unload_ext cellmage\n%load_ext cellmage"
    )
    try:
        assert offline.run("%llm -m offline/echo hi").ok
        for line, what in (
            ("%llm -m offline/tour hi", "the model offline/tour is locked by"),
            ("%llm -m offline/echo --data rows hi", "--data rows is locked by"),
            ("%llm_config --data stats", "--data stats is locked by"),
        ):
            error = offline.run(line).error
            assert what in error
            assert "hub/ipython_config.py; allowed: " in error
        assert "data schema" in offline.run("%llm_config --data schema").printed
    finally:
        offline.run(
            "application.SYSTEM_CONFIG_DIRS.pop();\n%unload_ext cellmage\n%load_ext cellmage"
        )
