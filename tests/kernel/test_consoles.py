"""Consoles, which ignore display updates: a real `jupyter console`, and the requests of one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, Step, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.pty_screen import PtyScreen

pytestmark = pytest.mark.slow

PARAGRAPHS = [f"Paragraph {n} with **bold** words." for n in range(3)]


def steps(text: str, wait: float) -> list[Step]:
    pieces = [text[i : i + 12] for i in range(0, len(text), 12)]
    return [step for piece in pieces for step in (chunk(piece), wait)]


class TestJupyterConsole:
    @pytest.fixture
    def screen(self, tmp_path: Path, server: ScriptedServer) -> Iterator[PtyScreen]:
        pytest.importorskip("termios")
        pytest.importorskip("jupyter_console")
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
        env["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "runtime")
        screen = PtyScreen([sys.executable, "-m", "jupyter_console"], tmp_path, 60, env)
        screen.until_text("In [1]:")
        screen.type("%load_ext cellmage\r")
        screen.until_text("In [2]:")
        yield screen
        screen.type("\x04y\r")
        screen.close()

    def test_an_answer_appears_paragraph_by_paragraph(
        self, screen: PtyScreen, server: ScriptedServer
    ) -> None:
        *settled, last = PARAGRAPHS
        server.play(chunk(f"{settled[0]}\n\n{settled[1]}\n\n{last}"), end="hang")
        screen.type("%llm Go\r")
        screen.until_text(settled[1])
        assert last not in screen.lines  # later text may change it
        screen.type("\x03")
        screen.until_text("In [3]:")
        shown = [line.removeprefix("^C") for line in screen.lines]  # the terminal's echo
        assert [line for line in shown if line in PARAGRAPHS] == PARAGRAPHS
        assert any("stopped by you; 100 characters" in line for line in shown)

    def test_a_second_answer(self, screen: PtyScreen, server: ScriptedServer) -> None:
        for number in (2, 3):
            server.play(*answer(f"The answer {number}."))
            screen.type("%llm Go\r")
            screen.until_text(f"In [{number + 1}]:")
        assert [line for line in screen.lines if "The answer" in line] == [
            "The answer 2.", "The answer 3.",
        ]  # fmt: skip


class Console:
    """A session of a console on a kernel: before each cell it asks whether the cell is complete."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def run(self, code: str, cell_id: str | None = None) -> Run:
        session = self.kernel.client.session
        before, session.session = session.session, "a-console"
        try:
            msg_id = self.kernel.client.is_complete(code)
            while self.kernel.client.get_shell_msg()["parent_header"].get("msg_id") != msg_id:
                pass
            return self.kernel.run(code, cell_id)
        finally:
            session.session = before


@pytest.fixture
def console(kernel: Kernel) -> Console:
    return Console(kernel)


def test_each_settled_part_is_published_once(console: Console, server: ScriptedServer) -> None:
    text = "\n\n".join(PARAGRAPHS) + "\n"
    server.play(*steps(text, 0.01), finish(), DONE)
    run = console.run("%%llm\nGo")
    assert {message.type for message in run.frames} == {"display_data"}
    # A console prints each text with a line end.
    assert "".join(f"{text}\n" for text in run.texts) == text
    assert len(run.texts) > 1
    *_, last = run.outputs
    assert last["metadata"]["cellmage"]["prompt"] == "Go"


def test_reasoning_tools_and_notices(console: Console, server: ScriptedServer) -> None:
    console.run("def add(a: int, b: int) -> int:\n    'Add.'\n    return a + b")
    call = tool_call("add", '{"a": 1, "b": 2}')
    server.play_each(
        [
            Reply([chunk(reasoning="Sum up."), call, finish("tool_calls"), DONE]),
            Reply([chunk("It is 3."), finish("length"), DONE]),
        ]
    )
    run = console.run("%%llm --tool add --auto-approve\nGo")
    assert run.texts[:4] == [
        "(reasoning: 7 characters)", "▸ add(a=1, b=2) …", "▸ add(a=1, b=2) → 3", "It is 3.",
    ]  # fmt: skip


def test_a_page_on_the_same_kernel(console: Console, server: ScriptedServer) -> None:
    """What has cell ids is a page, also a console of JupyterLab; so is another session."""
    server.play(*steps("One.\n\nTwo.", 0.06), finish(), DONE)
    console.run("%%llm\nGo")
    for run in (console.run("%%llm\nGo", "c1"), console.kernel.run("%%llm\nGo")):
        assert run.of_type("update_display_data")
        assert run.texts == ["One.\n\nTwo."]


def test_the_progress_of_an_index_is_printed(console: Console, tmp_path: Path) -> None:
    (tmp_path / "tides.md").write_text("# Tides\n\nThe moon moves the sea.\n")
    run = console.run(f"%llm_index {tmp_path}")
    assert "\r1 of 1 files" in run.printed
    assert not run.frames


def test_unloading_removes_the_transformer(console: Console) -> None:
    count = (
        "sum(type(t).__name__ == 'ConsoleSessions'"
        " for t in get_ipython().input_transformers_cleanup)"
    )
    assert console.kernel.value(count) == 1
    console.kernel.run("%unload_ext cellmage")
    assert console.kernel.value(count) == 0
