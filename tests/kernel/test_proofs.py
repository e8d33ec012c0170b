"""``--verify``, ``--live-numbers`` and ``--tool python``: what the twin says about an answer."""

from __future__ import annotations

import html
import json
from itertools import count

import pytest

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.kernel.own_kernel import shared_kernel  # noqa: F401 - the fixture

_ids = count()

TABLE = """import pandas as pd
pf_table = pd.DataFrame({'name': ['Smith', 'Jones', 'Nguyen'], 'units': [4, 7, 20]})"""


@pytest.fixture
def cell() -> str:
    return f"proof-{next(_ids)}"


@pytest.fixture
def table(kernel: Kernel) -> Kernel:
    assert kernel.run(TABLE).ok
    return kernel


def ask(kernel: Kernel, server: ScriptedServer, cell: str, flags: str, text: str) -> Run:
    server.play_with(lambda exchange: Reply(answer(text, 40)))
    run = kernel.run(f"%%llm {flags}\nGo.", cell)
    assert run.ok, run.error
    return run


def page(run: Run) -> str:
    return "\n".join(output["data"].get("text/markdown", "") for output in run.outputs)


def summaries(run: Run) -> list[str]:
    return [
        html.unescape(part.partition("</code>")[0])
        for part in page(run).split("<details><summary><code>")[1:]
    ]


def block(code: str, language: str = "python") -> str:
    return f"So:\n\n```{language}\n{code}\n```\n\n"


class TestVerify:
    def test_each_block_has_its_mark(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        text = block("pv_x = 2\npv_x + 1") + block("pv_y = pv_x * 3\nprint(pv_y)")
        text += block("pv_y + pv_z") + block("ls", "bash") + block("open('pv.txt', 'w')")
        text += block("!ls") + block("pv_y + 1")
        run = ask(kernel, server, cell, "--verify", text + "Done.")
        lines = [line.partition(" in ")[0] for line in summaries(run)]
        assert lines == [
            "✓ ran",
            "✓ ran",
            "✗ failed: NameError: name 'pv_z' is not defined",
            "– not run: its language is bash",
            "– not run to its end: it would write the file pv.txt, which is not done",
            "– not run: it has a line for the shell or a magic: !ls",
            "✓ ran",
        ]
        assert "<pre>6&#10;</pre>" in page(run) or "<pre>6</pre>" in page(run)
        assert kernel.value("[n for n in globals() if n.startswith('pv_')]") == []
        assert kernel.value("__import__('os').path.exists('pv.txt')") is False

    def test_the_turn_keeps_the_marks(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        ask(kernel, server, cell, "--verify", block("pk_x = 1"))
        assert kernel.value("[mark.kind for mark in _llm.marks]") == ["ran"]
        shown = kernel.run("%llm_history --show 1")
        assert "✓ ran" in page(shown)

    def test_a_block_that_takes_too_long_or_ends_the_process_fails(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        text = block("pt_x = 1") + block("import os\nos._exit(0)") + block("pt_x")
        run = ask(kernel, server, cell, "--verify", text)
        first, second, third = summaries(run)
        assert first.startswith("✓ ran")
        assert second.startswith("✗ failed: ")
        assert third == "✗ failed: it was not begun"
        assert kernel.value("1 + 1") == 2

    def test_verify_goes_with_no_comparison(self, kernel: Kernel) -> None:
        assert "--verify does not go with --json" in kernel.run("%%llm --verify --json\nGo").error


class TestLiveNumbers:
    def test_values_are_shown_and_other_numbers_underlined(
        self, table: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        text = (
            "In all {{= pf_table.units.sum() }} units, on average {{= pf_table.units.mean() }}; "
            "not 77, and not {{= open('pl.txt', 'w') }}."
        )
        run = ask(table, server, cell, "--live-numbers", text)
        assert page(run).startswith("In all 31 units, on average 10.3333; not <u>77</u>, and not `")
        assert "1 number is neither computed nor in what was sent: 77" in page(run)
        assert "has no value: open is not called" in run.texts[-1]
        assert table.value("_llm.text") == text
        marks = [("value", "31"), ("value", "10.3333"), ("number", ""), ("no_value",)]
        kept = table.value("[(mark.kind, mark.text) for mark in _llm.marks]")
        assert [tuple(mark)[: len(want)] for mark, want in zip(kept, marks, strict=True)] == marks
        assert "{{= expression }}" in server.last.messages[0][1]
        assert table.value("__import__('os').path.exists('pl.txt')") is False

    def test_a_kept_answer_is_evaluated_anew(
        self, table: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        table.run("pa_n = 1")
        server.play_with(lambda exchange: Reply(answer("It is {{= pa_n + 40 }}.", 40)))
        prompt = "%%llm --live-numbers --keep --no-history\nHow many?"
        assert "It is 41." in page(table.run(prompt, cell))
        table.run("pa_n = 2")
        again = table.run(prompt, cell)
        assert "It is 42." in page(again)
        assert len(server.exchanges) == 1


def call(code: str) -> Reply:
    """Return a reply that calls the tool."""
    return Reply([tool_call("python", json.dumps({"code": code})), finish("tool_calls"), DONE])


def play_tool(server: ScriptedServer, *codes: str, text: str = "Done.") -> None:
    """Let the model run code several times, and then answer."""

    def reply(exchange: Exchange) -> Reply:
        done = sum(message["role"] == "tool" for message in exchange.body["messages"])
        return call(codes[done]) if done < len(codes) else Reply(answer(text, 40))

    server.play_with(reply)


def results(server: ScriptedServer) -> list[str]:
    return [text for role, text in server.last.messages if role == "tool"]


class TestPythonTool:
    def test_the_model_computes_and_nothing_of_it_stays(
        self, table: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        codes = ["pp_n = len(pf_table)\npf_table['units'] = 0\npp_n", "pf_table.units.sum()", "1/0"]
        play_tool(server, *codes)
        run = table.run("%%llm --tool python --auto-approve --data rows --no-history\nGo", cell)
        assert run.ok, run.error
        first, second, third = results(server)
        assert first.startswith("Value: 3")
        assert second == "Value: 31"
        assert "ZeroDivisionError: division by zero" in third
        assert table.value("[int(pf_table.units.sum()), 'pp_n' in globals()]") == [31, False]
        assert "```python\npp_n = len(pf_table)\n" in page(run)

    def test_rows_of_tables_stay_below_the_level_rows(
        self, table: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        codes = [
            "print(pf_table)",
            "pf_table",
            "pf_table.name[0]",
            "raise KeyError(pf_table.name[2])",
        ]
        play_tool(server, *codes, "pr_n = list(pf_table.name)")
        table.run("%%llm --tool python --auto-approve --no-history\nGo", cell)
        told = "\n".join(results(server))
        assert not any(name in told for name in ("Smith", "Jones", "Nguyen"))
        assert "- units: int64, 0 nulls" in told
        assert "What it printed is not sent" in told

    def test_secrets_of_the_environment_are_masked(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        play_tool(server, "import os\nprint(os.environ['OPENAI_API_KEY'], 'ghp_' + 'a' * 20)")
        kernel.run("%%llm --tool python --auto-approve --data rows --no-history\nGo", cell)
        (told,) = results(server)
        assert "sk-test-0000" not in told
        assert "ghp_aaaaa" not in told

    def test_the_user_is_asked_once_for_the_cell(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        for codes in (("pq_x = 1", "pq_x = 2"), ("pq_x = 3",)):  # the next cell asks again
            play_tool(server, *codes)
            message = kernel.start("%%llm --tool python --no-history\nGo", cell)
            question = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
            assert "c allows it for this cell" in question
            kernel.client.input("c")
            assert kernel.finish(message).ok
            assert len(results(server)) == len(codes)

    def test_the_code_that_ran_is_put_into_the_next_cell(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        play_tool(server, "pc_x = 1", "pc_x = missing", "pc_y = 2")
        run = kernel.run("%%llm --tool python --auto-approve --code --no-history\nGo", cell)
        assert [item["text"] for item in run.reply["payload"]] == ["pc_y = 2"]
        play_tool(server, "pc_x = 1", text=block("pc_z = 3"))
        run = kernel.run("%%llm --tool python --auto-approve --code --no-history\nGo", f"{cell}-2")
        assert [item["text"] for item in run.reply["payload"]] == ["pc_z = 3"]

    def test_a_function_of_the_user_comes_first(
        self, kernel: Kernel, server: ScriptedServer, cell: str
    ) -> None:
        kernel.run("def python(code: str) -> str:\n    return code[::-1]")
        play_tool(server, "abc")
        kernel.run("%%llm --tool python --auto-approve --no-history\nGo", cell)
        kernel.run("del python")
        assert results(server) == ["cba"]

    def test_a_plot_is_shown(self, kernel: Kernel, server: ScriptedServer, cell: str) -> None:
        pytest.importorskip("matplotlib")
        code = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);"
        play_tool(server, code)
        run = kernel.run("%%llm --tool python --auto-approve --no-history\nGo", cell)
        assert any("image/png" in output["data"] for output in run.outputs)
        assert "The user sees 1 image." in results(server)[0]
