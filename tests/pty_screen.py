"""A program in a terminal: a real pty, and an emulator that keeps the lines of its screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

COLUMNS = 80


class PtyScreen:
    """A terminal that runs a program.

    Args:
        command: the program and its arguments.
        home: the home folder, and the folder in which the program starts.
        lines: the height of the screen.
        env: further environment variables.
    """

    def __init__(
        self, command: Sequence[str], home: Path, lines: int = 24, env: dict[str, str] | None = None
    ) -> None:
        self._screen = pyte.HistoryScreen(COLUMNS, lines, history=10_000, ratio=0.001)
        self._stream = pyte.Stream(self._screen)
        self.output = ""
        """All that the program has written."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")}
        folders = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
        settings = {"TERM": "xterm-256color", "NO_COLOR": "1"}
        self._program = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**inherited, **folders, **settings, **(env or {})},
            dimensions=(lines, COLUMNS),
            encoding="utf-8",
            codec_errors="replace",
            cwd=str(home),
        )
        # The reply to a request for the position of the cursor, which prompt_toolkit waits for.
        self._screen.write_process_input = self._program.send

    @property
    def visible(self) -> list[str]:
        """The lines on the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def lines(self) -> list[str]:
        """All lines: those that scrolled off, then those on the screen."""
        above = ["".join(line[n].data for n in range(COLUMNS)) for line in self._screen.history.top]
        return [line.rstrip() for line in above] + self.visible

    def type(self, keys: str) -> None:
        self._program.send(keys)

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Show what the program writes until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.lines)
            self._read()

    def until_text(self, text: str) -> None:
        """Show what the program writes until a line contains a text."""
        self.until(lambda: any(text in line for line in self.lines))

    def close(self) -> None:
        self._program.close(force=True)

    def _read(self) -> None:
        try:
            output = self._program.read_nonblocking(65_536, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        self.output += output
        self._stream.feed(output)
