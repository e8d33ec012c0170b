"""``--code``: the code of an answer in the next cell; ``--edit``: a corrected answer."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel, Run
from tests.pty_screen import PtyScreen

_ids = count()


@pytest.fixture
def prompt_id() -> str:
    return f"code-{next(_ids)}"


def payloads(run: Run) -> list[tuple[str, bool]]:
    return [(item["text"], item["replace"]) for item in run.reply["payload"]]


def block(code: str, language: str = "python") -> str:
    return f"So:\n\n```{language}\n{code}\n```\n"


def ask(kernel: Kernel, server: ScriptedServer, cell_id: str, text: str, flags: str = "") -> Run:
    server.play_with(lambda exchange: Reply(answer(text, 3)))
    return kernel.run(f"%%llm --code {flags}\nWrite code.", cell_id=cell_id)


class TestCode:
    def test_code_is_put_into_a_new_cell(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        text = block("x = 1") + block("ls", "bash") + block("y = 2", "")
        run = ask(kernel, server, prompt_id, text)
        assert payloads(run) == [("x = 1\n\ny = 2", False)]
        assert kernel.value("[(b, b.language) for b in _llm.code]") == [
            ("x = 1", "python"),
            ("ls", "bash"),
            ("y = 2", ""),
        ]

    def test_a_language_runs_by_its_magic(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        text = block("x = 1") + block("ls", "bash") + block("{}", "json")
        assert payloads(ask(kernel, server, prompt_id, text, "bash")) == [("%%bash\nls", False)]
        assert payloads(ask(kernel, server, f"{prompt_id}-2", text, "json")) == [("{}", False)]

    def test_an_answer_without_code_changes_nothing(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        run = ask(kernel, server, prompt_id, block("ls", "bash"))
        assert not payloads(run)
        assert "The answer has no code in python" in run.printed

    def test_a_line_takes_its_prompt_behind_the_flag(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play_with(lambda exchange: Reply(answer(block("x = 1"), 3)))
        assert payloads(kernel.run("%llm --no-history --code write x")) == [("x = 1", False)]
        assert server.last.messages[-1][1] == "write x"


class TestCodeAgain:
    def test_the_same_code_is_not_put_again(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        ask(kernel, server, prompt_id, block("x = 1"))
        assert payloads(ask(kernel, server, prompt_id, block("x = 1"))) == []

    @pytest.mark.parametrize("has_run", [True, False])
    def test_the_cell_takes_new_code_when_it_is_run(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str, has_run: bool
    ) -> None:
        ask(kernel, server, prompt_id, block("x = 1"))
        if has_run:
            kernel.run("x = 1", cell_id=f"{prompt_id}-below")
        kernel.run("x = 0")
        again = ask(kernel, server, prompt_id, block("x = 2"))
        assert payloads(again) == []
        assert "-x = 1\n+x = 2" in again.printed
        taken = kernel.run("x = 1", cell_id=f"{prompt_id}-below")
        assert payloads(taken) == [("x = 2", True)]
        assert kernel.value("x") == 0
        assert payloads(kernel.run("x = 2", cell_id=f"{prompt_id}-below")) == []
        assert kernel.value("x") == 2
        again = ask(kernel, server, prompt_id, block("x = 3"))
        assert "-x = 2\n+x = 3" in again.printed
        assert payloads(kernel.run("x = 2", cell_id=f"{prompt_id}-below")) == [("x = 3", True)]

    @pytest.mark.parametrize("is_edited_before", [True, False])
    def test_a_text_of_the_user_is_never_replaced(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str, is_edited_before: bool
    ) -> None:
        ask(kernel, server, prompt_id, block("x = 1"))
        kernel.run("x = 1", cell_id=f"{prompt_id}-below")
        if is_edited_before:
            kernel.run("x = 10", cell_id=f"{prompt_id}-below")
        printed = ask(kernel, server, prompt_id, block("x = 2")).printed
        run = kernel.run("x = 10", cell_id=f"{prompt_id}-below")
        assert "-x = 10\n+x = 2" in printed + run.printed
        assert payloads(run) == []
        assert kernel.value("x") == 10
        assert payloads(kernel.run("x = 1", cell_id=f"{prompt_id}-below")) == []

    def test_other_cells_of_the_same_text_stay(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        kernel.run("x = 1", cell_id=f"{prompt_id}-old")
        ask(kernel, server, prompt_id, block("x = 1"))
        ask(kernel, server, prompt_id, block("x = 2"))
        assert payloads(kernel.run("x = 1", cell_id=f"{prompt_id}-old")) == []
        assert payloads(kernel.run("x = 1")) == []
        assert payloads(kernel.run("x = 1", cell_id=f"{prompt_id}-new")) == [("x = 2", True)]

    @pytest.mark.parametrize("has_run", [True, False])
    def test_a_deleted_cell_is_put_again(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str, has_run: bool
    ) -> None:
        ask(kernel, server, prompt_id, block("x = 1"))
        if has_run:
            kernel.run("x = 1", cell_id=f"{prompt_id}-below")
        metadata = {"cellId": prompt_id, "deletedCells": [f"{prompt_id}-below"]}
        again = kernel.finish(kernel.start("%%llm --code\nWrite code.", metadata=metadata))
        assert payloads(again) == [("x = 1", False)]

    def test_the_prompts_of_a_cell_have_one_cell_below(
        self, kernel: Kernel, server: ScriptedServer, prompt_id: str
    ) -> None:
        server.play_with(lambda exchange: Reply(answer(block(exchange.messages[-1][1]), 3)))
        source = "for n in range(2):\n    %llm --code x = {{ n }}"
        run = kernel.run(source, cell_id=prompt_id)
        assert payloads(run) == [("x = 0\n\nx = 1", False)]
        assert payloads(kernel.run(source, cell_id=prompt_id)) == []
        assert payloads(kernel.run(f"{source}\n1 / 0", cell_id=f"{prompt_id}-2")) == []


def test_in_ambient_mode_the_code_is_python(
    kernel: Kernel, server: ScriptedServer, prompt_id: str
) -> None:
    kernel.run("%llm_ambient on")
    below = f"{prompt_id}-below"
    try:
        put = ask(kernel, server, prompt_id, block("x = 5"))
        assert payloads(put) == [("%%py\nx = 5", False)]
        kernel.run("%%py\nx = 5", cell_id=below)
        ask(kernel, server, prompt_id, block("x = 6"))
        assert payloads(kernel.run("%%py\nx = 5", cell_id=below)) == [("%%py\nx = 6", True)]
        assert kernel.value("x") == 5
    finally:
        kernel.run("%llm_ambient off")


@pytest.mark.slow
def test_in_a_terminal_the_code_is_in_the_next_prompt(
    tmp_path: Path, server: ScriptedServer
) -> None:
    pytest.importorskip("termios")
    env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none", "IPYTHONDIR": str(tmp_path)}
    screen = PtyScreen([sys.executable, "-m", "IPython"], tmp_path, 80, env)
    try:
        screen.until_text("In [1]:")
        screen.type("%load_ext cellmage\r")
        screen.until_text("In [2]:")
        server.play_with(lambda exchange: Reply(answer(block("value = 6 * 7"), 3)))
        screen.type("%llm --code Write code.\r")
        screen.until_text("In [3]: value = 6 * 7")
        screen.type("\r")
        screen.until_text("In [4]:")
        screen.type("value\r")
        screen.until_text("Out[4]: 42")
    finally:
        screen.close()


class TestEdit:
    def test_an_answer_is_corrected(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play_with(lambda exchange: Reply(answer("Paris is in Spain.", 3)))
        kernel.run("%llm_history --new edit")
        kernel.run("%%llm --chat edit\nWhere is Paris?", cell_id="edit-1")
        run = kernel.run("%llm_history --chat edit --edit 1")
        cell = "%%llm_edit --chat 'edit' 1\nParis is in Spain."
        assert payloads(run) == [(cell, False)]
        assert "is unchanged" in kernel.run(cell).printed
        run = kernel.run(cell.replace("Spain", "France"))
        assert "Replaced the answer of turn 1" in run.printed
        assert not run.error
        kernel.run("%%llm --chat edit\nAnd?", cell_id="edit-2")
        assert ("assistant", "Paris is in France.") in server.last.messages
        assert "Spain" in kernel.run("%llm_history --chat edit --versions 1").printed
        kernel.run("%llm_history --chat edit --restore 1.1")
        assert "Spain" in kernel.run("%llm_history --chat edit --show 1").texts[0]

    def test_what_is_wrong_is_named(self, kernel: Kernel) -> None:
        assert "there is no turn 7" in kernel.run("%llm_history --edit 7").error
        assert "there is no turn 7" in kernel.run("%%llm_edit 7\nhi").error
        assert "give the number of a turn" in kernel.run("%%llm_edit x\nhi").error
        assert "takes the answer below it" in kernel.run("%llm_edit 1").error
