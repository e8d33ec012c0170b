"""Values, tables and files in a prompt, from a real kernel to the bytes of the request."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer
from tests.attachments import png
from tests.describe.canaries import CANARY
from tests.describe.test_files import write_pdf
from tests.kernel.client import Kernel
from tests.kernel.test_prompts import prompts

TABLE = "import pandas as pd\ndf = pd.DataFrame({'city': ['Rome'] * 6, 'size': range(6)})\n"
ROOT = str(Path(__file__).parents[2])


def notices(run_text: list[str]) -> str:
    return "\n".join(run_text)


class TestAttach:
    def test_a_variable_is_described_as_in_braces(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run(TABLE)
        run = kernel.run("%%llm --attach df\nWhat is in it?")
        assert run.ok, run.error
        kernel.run("%%llm\n{{ df }}")
        attached, inserted = prompts(server)
        assert attached == f"What is in it?\n\nAttached: df\n{inserted}"
        assert inserted.startswith("DataFrame (pandas): 6 rows, 2 columns\n- city: ")
        assert "Sent: df, 2 columns (names, types and statistics), 0 of 6 rows." in notices(
            run.texts
        )

    def test_levels(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(TABLE)
        kernel.run("%%llm --data schema\n{{ df }}")
        kernel.run("%llm_config --data rows")
        kernel.run("%%llm\n{{ df }}")
        kernel.run("%%llm --data stats\n{{ df }}")
        schema, rows, stats = prompts(server)
        assert "Rome" not in schema
        assert "held by at least 5 rows: Rome (6)" in stats
        assert rows.endswith("Rome | 5")
        kernel.run("%llm_config --reset")
        assert kernel.run("%%llm --data all\nhi").reply["ename"] == "UsageError"

    def test_a_plot_arrives_as_its_bytes(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(
            "import matplotlib; matplotlib.use('agg')\nfrom matplotlib import pyplot\n"
            "fig, ax = pyplot.subplots(); line = ax.plot([1, 3, 2])"
        )
        run = kernel.run("%%llm\nBefore {{ fig }} after")
        assert run.ok, run.error
        before, image, after = server.last.body["messages"][-1]["content"]
        assert (before["text"], after["text"]) == ("Before ", " after")
        data = base64.b64decode(image["image_url"]["url"].partition(",")[2])
        assert data.startswith(b"\x89PNG")
        assert "Sent: fig, 1 image, PNG, 640 x 480" in notices(run.texts)

    def test_files(self, kernel: Kernel, server: ScriptedServer, tmp_path: Path) -> None:
        pdf = write_pdf(tmp_path / "e.pdf", ["The moon"]).read_bytes()
        kernel.run(
            "import pathlib; here = pathlib.Path('files'); here.mkdir()\n"
            "size = (here / 'a b.txt').write_text('the moon {{ x }}')\n"
            "size = (here / 'c.txt').write_text('the sea')\n"
            f"size = (here / 'd.png').write_bytes({png()!r})\n"
            f"size = (here / 'e.pdf').write_bytes({pdf!r})"
        )
        kernel.run("%%llm --attach 'files/*.txt'\nRead")
        assert prompts(server)[0] == (
            "Read\n\nAttached: files/a b.txt\n```txt\nthe moon {{ x }}\n```\n"
            "\nAttached: files/c.txt\n```txt\nthe sea\n```"
        )
        kernel.run('%%llm -m gpt-6-luna --attach files/d.png --attach "files/e.pdf"\nLook')
        kinds = [part["type"] for part in server.last.body["messages"][-1]["content"]]
        assert kinds == ["text", "image_url", "text", "file"]
        run = kernel.run("%%llm -m some-model --attach files/e.pdf\nLook")
        assert isinstance(server.last.messages[-1][1], str)
        assert "Sent: files/e.pdf, its text, " in notices(run.texts)

    def test_what_is_missing_is_refused(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(TABLE)
        for name, message in {
            "dff": "did you mean df?",
            "no/*.csv": "there is no variable and no file",
            "http://127.0.0.1:8888/": "not a public host",
            "file:///etc/passwd": "only http and https",
            "/etc": "is a folder",
        }.items():
            run = kernel.run(f"%%llm --attach {name}\nhi")
            assert run.reply["ename"] == "UsageError", name
            assert message in run.error
        assert not server.exchanges

    def test_names_of_all_variables(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run(TABLE)
        kernel.run("%%llm --attach globals()\nWhat is here?")
        assert "DataFrame: df (6 x 2)" in prompts(server)[0]
        assert "get_ipython" not in prompts(server)[0]

    def test_a_dry_run_shows_all_and_sends_nothing(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run(f"{TABLE}import PIL.Image; picture = PIL.Image.new('RGB', (75, 100))")
        printed = kernel.run("%%llm --dry-run --attach picture\n{{ df }}").printed
        assert "(image: PNG, 75 x 100, " in printed
        assert "- size: int64, 0 nulls, range 0 to 5" in printed
        assert "notice: Inserted: df. Sent: df, 2 columns" in printed
        assert not server.exchanges

    def test_functions_and_modules(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("def double(n):\n    return 2 * n  # twice\nimport json")
        kernel.run("%%llm\n{{ double }} {{ json }}")
        sent = prompts(server)[0]
        assert sent.startswith("def double(n):\n    return 2 * n  # twice\n module json\n")
        assert kernel.run("%%llm\n{{ input }}").reply["ename"] == "UsageError"


@pytest.mark.slow
def test_no_planted_value_leaves(kernel: Kernel, server: ScriptedServer) -> None:
    """Not in a request, in the store, in an export, on the page, or in an error."""
    kernel.run(
        f"import sys; sys.path.insert(0, {ROOT!r})\n"
        "from tests.describe.canaries import holders, tables, texts\n"
        "values = [*tables(), *holders()]; frame = values[0]\n%llm_config --store on"
    )
    shown = []
    for level in ("schema", "stats"):
        shown += [
            kernel.run(
                f"%llm_config --data {level}\n"
                f"for value in values:\n    %llm --no-history {{{{ value }}}}"
            ),
            kernel.run("%%llm --attach frame --attach globals()\nWhat is this?"),
            kernel.run("%%llm\n{{ float(frame['name'].iloc[0]) }}"),
            kernel.run("%%llm\n{{ {}[frame.index[1]] }}"),
            kernel.run("%%llm --dry-run --attach frame\n{{ values[8] }}"),
        ]
    exported = kernel.run("%llm_history --export planted.json")
    assert exported.ok, exported.error
    kernel.run("%llm_config --reset\n%unload_ext cellmage\n%load_ext cellmage")
    assert len(server.exchanges) > 100
    requests = json.dumps([exchange.body for exchange in server.exchanges])
    messages = [str(message.content) for run in shown for message in run.messages]
    replies = [str(run.reply) for run in shown]
    home = Path(kernel.value("__import__('os').environ['HOME']"))
    stored = [path.read_bytes().decode("latin-1") for path in home.glob("data/cellmage/*.db*")]
    assert stored
    export = (home / "planted.json").read_text()
    for place in (requests, export, *stored, *messages, *replies):
        assert not CANARY.findall(place)


def test_an_object_that_hangs_does_not_hang_the_prompt(
    kernel: Kernel, server: ScriptedServer
) -> None:
    kernel.run("class Hanging:\n    def __repr__(self):\n        while True: pass\nh = Hanging()")
    run = kernel.run("%%llm\nBefore {{ h }} after")
    assert run.ok, run.error
    assert prompts(server) == [
        "Before <Hanging: it cannot be shown: it took longer than 2 s> after"
    ]
    assert "Not sent: h, its text: it took longer than 2 s." in notices(run.texts)


def test_a_file_is_attached_once(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(
        "from pathlib import Path\nfor name in 'ab': Path(f'once_{name}.txt').write_text(name)"
    )
    run = kernel.run("%%llm --attach once_a.txt --attach ./once_a.txt --attach 'once_*.txt'\nhi")
    assert run.ok, run.error
    assert prompts(server)[-1].count("Attached: ") == 2
    assert "there is no variable" in kernel.run('%%llm --attach ""\nhi').error


def test_a_class_of_a_cell_is_sent_as_its_source(kernel: Kernel, server: ScriptedServer) -> None:
    source = "@dataclass\nclass Tide:\n    height: int = 3\n"
    kernel.run(f"from dataclasses import dataclass\n{source}\nclass Plain:\n    level = 1\n")
    kernel.run("%%llm\n{{ Tide }}")
    kernel.run("%%llm\n{{ Plain }}")
    assert prompts(server)[-2:] == [source, "class Plain:\n    level = 1\n"]
    kernel.run("%%llm_hide\nclass Secret:\n    level = 1\n")
    kernel.run("%%llm\n{{ Secret }}")
    assert prompts(server)[-1] == "Secret()"
