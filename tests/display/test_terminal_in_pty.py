"""IPython in a terminal: a real pty, and the screen that its user sees."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, Step, answer, chunk, finish, tool_call
from tests.pty_screen import PtyScreen

pytest.importorskip("termios")

WORDS = "".join(f"word{n} " for n in range(400))
ROWS = [f"row {n} of the table" for n in range(80)]
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {row} | {n} |\n" for n, row in enumerate(ROWS))
FORMULAS = """\
Let \\(x^2 \\le \\frac{a}{b}\\) cost $5.

\\[
\\sum_i x_i
\\]

**注意：**当 H<sub>2</sub>O
"""


def steps(text: str, wait: float) -> list[Step]:
    pieces = [text[i : i + 12] for i in range(0, len(text), 12)]
    return [step for piece in pieces for step in (chunk(piece), wait)]


class IPython:
    """IPython in a terminal, with the extension loaded."""

    def __init__(self, home: Path, lines: int, server: ScriptedServer) -> None:
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
        command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor"]
        self.screen = PtyScreen(command, home, lines, env)
        self._count = 1
        self.screen.until_text("In [1]:")
        self.run("%load_ext cellmage")

    def start(self, code: str) -> None:
        self.screen.type(f"{code}\r")
        self._count += 1

    def until_text(self, text: str) -> None:
        """Wait until the running cell shows a text."""
        cell = self._count - 1
        self.screen.until(lambda: any(text in line for line in self.lines_of_cell(cell)))

    def finish(self) -> list[str]:
        """Wait for the next prompt, and return the lines of the cell."""
        self.screen.until_text(f"In [{self._count}]:")
        return self.lines_of_cell(self._count - 1)

    def lines_of_cell(self, number: int) -> list[str]:
        """The lines below the prompt of a cell; none is empty."""
        lines = [line for line in self.screen.lines if line]
        prompts = {line[: line.index("]:") + 2]: n for n, line in enumerate(lines) if "]:" in line}
        first, last = (prompts.get(f"In [{n}]:") for n in (number, number + 1))
        return [] if first is None else lines[first + 1 : last]

    def run(self, code: str) -> list[str]:
        self.start(code)
        return self.finish()


@pytest.fixture(params=[24, 60])
def ipython(
    request: pytest.FixtureRequest, tmp_path: Path, server: ScriptedServer
) -> Iterator[IPython]:
    running = IPython(tmp_path, request.param, server)
    yield running
    running.screen.close()


def test_a_stop_leaves_each_line_once(ipython: IPython, server: ScriptedServer) -> None:
    """A terminal echoes ``^C``, and discards what it has not shown, unless it is told not to."""
    for word in ("word1 ", "word30 ", "word90 "):
        before, after = f"Before.\n\n{WORDS}".split(word)
        server.play(*steps(before + word, 0.01), *steps(after, 0.04))
        ipython.start("%llm Go")
        ipython.until_text(word)
        time.sleep(1)  # a slow terminal: more than 4 kB are written and not yet shown
        ipython.screen.type("\x03")
        first, *text, stopped = ipython.finish()
        assert first == "Before."
        assert WORDS.startswith(" ".join(text))
        assert stopped.startswith("KeyboardInterrupt: stopped by you; ")


def test_typing_moves_no_line_and_is_not_lost(ipython: IPython, server: ScriptedServer) -> None:
    server.play(*steps(WORDS[:700], 0.01), finish(), DONE)
    ipython.start("%llm Go")
    ipython.until_text("word30 ")
    ipython.start("6 * 7")
    ipython.screen.until_text("Out[3]: 42")
    text = " ".join(ipython.lines_of_cell(2))
    assert text == WORDS[:700].rstrip()


@pytest.mark.parametrize("after", ["", "\nAfter.\n"])
def test_a_table_higher_than_the_screen(
    ipython: IPython, server: ScriptedServer, after: str
) -> None:
    server.play(*steps(TABLE, 0.003), *steps(after, 0.04), finish(), DONE)
    lines = ipython.run("%llm Go")
    assert [" ".join(line.split()[:-1]) for line in lines if "row" in line] == ROWS
    # The end of the table is on the screen: it is full, down to the prompt.
    visible = [line for line in ipython.screen.visible if line]
    assert visible[-1] == "In [3]:"
    assert len(visible) > len(ipython.screen.visible) - 6


def test_formulas_tags_and_emphasis(ipython: IPython, server: ScriptedServer) -> None:
    server.play(*steps(FORMULAS, 0.02), finish(), DONE)
    ipython.start("%llm Go")
    seen: set[str] = set()
    ipython.screen.until(
        lambda: seen.update(ipython.screen.lines) or "In [3]:" in ipython.screen.lines
    )
    assert ipython.finish() == ["Let x² ≤ a/b cost $5.", "    ∑ᵢ xᵢ", "注意：当 H₂O"]
    assert not any(mark in line for line in seen for mark in ("\\", "<", "**"))


def test_the_reply_to_a_question_of_a_tool_is_echoed(
    ipython: IPython, server: ScriptedServer
) -> None:
    call = [*steps(WORDS[:200], 0), tool_call("now", "{}"), finish("tool_calls"), DONE]
    server.play_each([Reply(call), Reply(answer("It is noon."))])
    ipython.run("def now() -> str: return 'noon'")
    ipython.start("%llm --tool now Go")
    ipython.until_text("Run now()?")
    ipython.screen.type("y\r")
    lines = ipython.finish()
    assert "Run now()? [y/N] y" in lines
    assert lines[-1] == "It is noon."


def test_the_modes_of_the_terminal_are_set_back(ipython: IPython, server: ScriptedServer) -> None:
    server.play(*steps("Hello.", 0), finish(), DONE)
    print_modes = "import termios; print(termios.tcgetattr(1)[3])"
    before = ipython.run(print_modes)
    assert ipython.run("%llm Go") == ["Hello."]
    assert ipython.run(print_modes) == before


def test_two_empty_lines_end_a_cell(ipython: IPython, server: ScriptedServer) -> None:
    """IPython's own rule for cell magics, which docs/front-ends.md names."""
    server.play(*steps("Hello.", 0), finish(), DONE)
    ipython.start("%%llm")
    for keys in ("Go\r", "\r", "\r"):
        ipython.screen.type(keys)
    assert ipython.finish()[-1] == "Hello."
