"""What of the notebook's cells a prompt sends: ``--cells``, ``--error``, ``%%llm_hide``."""

from __future__ import annotations

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel, Run
from tests.kernel.notebooks import Start

FIX = "Use this:\n```python\nprint('fixed')\n```\n"
OFFER = "%llm_fix sends this error"
PLOT = (
    "from IPython.display import display, Image\n"
    "import base64\n"
    "display(Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==')))"
)


@pytest.fixture(autouse=True)
def _answers(server: ScriptedServer) -> None:
    server.play_with(lambda exchange: Reply(answer(FIX, 3)))


def count(run: Run) -> int:
    return int(run.reply["execution_count"])


def sent(server: ScriptedServer) -> str:
    return str(server.last.messages[-1][1])


class TestCells:
    def test_the_last_cells_are_sent_with_their_outputs(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("first = 1")
        kernel.run("print('printed', 7)\nfirst + 41")
        kernel.run("%%llm --no-history\na prompt is none of them")
        run = kernel.run("%%llm --no-history --cells 1 --data rows\nWhat is it?")
        assert "print('printed', 7)\nfirst + 41\n```" in sent(server)
        assert "It printed:\nprinted 7\n" in sent(server)
        assert "Its value:\n42" in sent(server)
        assert "first = 1" not in sent(server)
        assert "a prompt" not in sent(server)
        assert "Sent: cell [" in str(run.messages)

    def test_cells_are_named_by_their_counts(self, kernel: Kernel, server: ScriptedServer) -> None:
        counts = [count(kernel.run(f"value_{n} = {n}")) for n in range(4)]
        kernel.run(f"%%llm --no-history --cells {counts[0]},{counts[2]}-{counts[3]}\nhi")
        assert [f"value_{n}" in sent(server) for n in range(4)] == [True, False, True, True]

    def test_images_of_cells_are_sent(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(PLOT)
        kernel.run("%%llm --no-history -m gpt-4o --data rows --cells 1\nWhat is it?")
        assert "image_url" in str(server.last.body)
        broken = kernel.run("display({'image/png': 'no image'}, raw=True)")
        assert not broken.error
        kernel.run("%%llm --no-history -m gpt-4o --data rows --cells 1\nWhat is it?")
        assert "image_url" not in str(server.last.body)

    def test_nothing_is_sent_without_a_flag(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("canary = 'seen'; print(canary); 1 / 0")
        kernel.run("%%llm --no-history\nhi")
        assert sent(server) == "hi"

    def test_what_is_wrong_is_named(self, kernel: Kernel, server: ScriptedServer) -> None:
        assert "cell [9999] has not run" in kernel.run("%%llm --cells 9999-9999\nhi").error
        assert "such as 3,5-7" in kernel.run("%%llm --cells x\nhi").error
        assert not server.exchanges

    def test_in_and_out_are_expressions(self, kernel: Kernel, server: ScriptedServer) -> None:
        number = count(kernel.run("'the value'"))
        kernel.run(
            f"%%llm --no-history\n{{{{ In[{number}] }}}}: {{{{ Out[{number}] }}}}, {{{{ _ }}}}"
        )
        assert sent(server) == "'the value': the value, the value"


class TestHiddenCells:
    def test_a_hidden_cell_runs_and_is_never_sent(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("visible = 0")
        run = kernel.run("%%llm_hide\nprint('ran')\nsecret = 'canary'\n'canary'")
        assert run.printed == "ran\n"
        hidden = count(run)
        kernel.run("visible = 1")
        kernel.run("%%llm --no-history --cells 2 --data rows\nhi")
        assert "canary" not in sent(server)
        error = kernel.run(f"%%llm --cells {hidden},1\nhi").error
        assert f"cell [{hidden}] is hidden by %%llm_hide" in error
        for name in (f"Out[{hidden}]", "_", f"_{hidden}", f"_i{hidden}"):
            run = kernel.run(f"%%llm --no-history\n{{{{ {name} }}}}")
            assert run.error
            assert "canary" not in run.error
        kernel.run(f"%%llm --no-history\n{{{{ In[{hidden}] }}}}.")
        assert sent(server) == "."

    def test_a_magic_of_a_hidden_cell_runs(self, kernel: Kernel) -> None:
        assert kernel.run("%%llm_hide\n%%capture out\nprint('x')").printed == ""
        assert kernel.value("out.stdout") == "x\n"

    def test_its_errors_are_no_last_error(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%%llm_hide\ndef hidden(x):\n    return x / 0  # canary")
        kernel.run("%%llm_hide\nraise ValueError('canary')")
        kernel.run("visible = 1\nhidden(visible)")
        kernel.run("%%llm --no-history --error --data rows\nhi")
        assert "hidden(visible)" in sent(server)
        assert "ZeroDivisionError" in sent(server)
        assert "canary" not in sent(server)
        assert "(hidden by %%llm_hide)" in sent(server)
        kernel.run("try:\n    hidden(visible)\nexcept ZeroDivisionError:\n    raise KeyError(1)")
        kernel.run("%%llm --no-history --error --data rows\nhi")
        assert "canary" not in sent(server)


class TestErrors:
    def test_the_last_error_is_sent_with_its_values(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("def half(things):\n    size = len(things)\n    return size / 0\nhalf([1, 2])")
        assert not kernel.run("%%llm --chat\n").ok  # an error of ours is none
        kernel.run("%%llm --no-history --error --data rows\nWhy?")
        text = sent(server)
        assert text.startswith("Why?")
        assert "half([1, 2])\n```" in text
        assert "ZeroDivisionError: division by zero" in text
        assert "things: [1, 2]" in text
        assert "size: 2" in text
        assert "interactiveshell.py" not in text

    def test_a_syntax_error_is_sent(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("x = = 1")
        kernel.run("%%llm --no-history --error\nWhy?")
        assert "x = = 1" in sent(server)
        assert "SyntaxError" in sent(server)
        assert "site-packages" not in sent(server)
        assert "Values where" not in sent(server)

    def test_no_cell_of_a_table_is_among_the_values(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        pytest.importorskip("pandas")
        source = (
            "import pandas as pd\n"
            "df = pd.DataFrame({'name': ['canary']})\n"
            "def look(frame):\n"
            "    for name in frame['name']:\n"
            "        print(name); row = {'n': name}\n"
            "        raise KeyError(name)\n"
        )
        kernel.run(source.replace("'canary'", "'can' + 'ary'"))
        kernel.run("look(df)")
        kernel.run("print(df)\ndf.loc[0, 'name']")
        for level in ("schema", "stats"):
            kernel.run(f"%%llm --no-history --error --cells 3 --data {level}\nWhy?")
            assert "canary" not in str(server.last.body)
            assert "frame: " in sent(server)
            assert "name: <str of length 6>" in sent(server)
        kernel.run("%%llm --no-history --error --cells 3 --data rows\nWhy?")
        assert sent(server).count("canary") >= 3

    def test_the_first_error_offers_to_fix_it(self, start: Start) -> None:
        kernel = start()
        assert "no cell has failed" in kernel.run("%%llm --error\nWhy?").error
        assert OFFER in kernel.run("1 / 0").printed
        assert OFFER not in kernel.run("1 / 0").printed


class TestFix:
    def test_fix_sends_the_error_and_puts_the_code(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("undefined_name")
        run = kernel.run("%llm_fix", cell_id="fix-1")
        assert "undefined_name" in sent(server)
        assert "what is wrong" in sent(server)
        assert payloads(run) == [("print('fixed')", False)]
        kernel.run("%llm_fix Be brief.")
        assert sent(server).startswith("Be brief.")
        kernel.run("%%llm_fix\nIn two\nlines.")
        assert sent(server).startswith("In two\nlines.")


def payloads(run: Run) -> list[tuple[str, bool]]:
    return [(item["text"], item["replace"]) for item in run.reply["payload"]]


@pytest.mark.parametrize(
    ("cells", "message"), [("0", "a number of cells from 1"), ("5-3", "the lower count first: 3-5")]
)
def test_cells_that_name_nothing(
    kernel: Kernel, server: ScriptedServer, cells: str, message: str
) -> None:
    assert message in kernel.run(f"%%llm --cells {cells}\nhi").error
    assert not server.exchanges
