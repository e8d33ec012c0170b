"""Bad input fails with one line, and changes nothing."""

from __future__ import annotations

import pytest

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel


class TestBadInput:
    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("%%llm --nosuch\nhi", "there is no flag --nosuch"),
            ("%%llm --temp 1\nhi", "there is no flag --temp"),
            ("%%llm -t warm\nhi", "-t/--temperature: 'warm' is not a number; %%llm --help"),
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
            ("%llm_config -m other --spend-limit -1", "should not be less than 0"),
            ("%llm_config --stream-by-default maybe", "'maybe' is neither True nor False"),
            ("%llm_config --persona nosuch", "there is no persona"),
            ("%llm_config --remove-param x", "x is not set"),
            ("%llm_config --nosuch", "there is no flag"),
            ("%llm_config model", "takes flags only"),
            ("%llm_history --undo x", "--undo: 'x' is not a whole number"),
            ("%llm_history --drop 1.5", "--drop: '1.5' is not a whole number"),
            ("Trip = {}\n%llm --schema Tripp hi", "Tripp is not defined; did you mean Trip?"),
            ("%llm --schema Nowhere hi", "Nowhere is not defined"),
            ("size = 3\n%llm --schema size hi", "size: it is not a schema; give the name of"),
            ("def weather(): 1\n%llm --tool wether hi", "no such function; did you mean weather?"),
            ("%llm --tool nosuch hi", "there is no such function; define it"),
            ("%llm_history --import nofile.md", "there is no such file"),
            ("%llm_history --undo 0", "0 turns cannot be undone"),
            ("%llm_history --chat nosuch", "there is no chat"),
            ("%llm_history --new ''", "is empty, too long"),
            ("%llm --param temperature 9 hi", "use --temperature"),
            ("%llm_config --param messages []", "they are the conversation's"),
            ("%llm {{ 'a' + 1 }}", "failed: TypeError"),
        ],
    )
    def test_one_line_and_nothing_changes(
        self, kernel: Kernel, server: ScriptedServer, code: str, message: str
    ) -> None:
        kernel.run("%llm first")
        before = kernel.run("%llm_config\n%llm_history").printed
        run = kernel.run(code)
        assert run.reply["ename"] == "UsageError", run.reply
        assert run.of_type("error"), "nbval and nbclient see the failure"
        assert message in run.error
        assert "\n" not in run.error
        assert len(server.exchanges) == 1
        assert kernel.run("%llm_config\n%llm_history").printed == before

    def test_half_of_a_bad_config_is_not_set(self, offline: Kernel) -> None:
        assert not offline.run("%llm_config -m offline/echo -t 9").ok
        assert "offline/echo" not in offline.run("%llm_config").printed
        assert offline.run("%llm_config --base-url gpu-box:80").reply["ename"] == "ConfigError"

    @pytest.mark.parametrize("code", ["%%llm --help", "%llm -h", "%llm_config --help"])
    def test_help(self, kernel: Kernel, server: ScriptedServer, code: str) -> None:
        run = kernel.run(code)
        assert run.ok
        assert "--temperature" in run.printed
        assert not server.exchanges
