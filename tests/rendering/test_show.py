"""`cellmage.show` in a program: in a pipe, and in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest

from cellmage import Conversation, IncompleteResponseError, show
from cellmage.testing import DONE, ScriptedServer, chunk, finish

PROGRAM = "import cellmage; cellmage.show(cellmage.Conversation().stream('Go'))"


def test_in_a_pipe_the_text_as_it_arrives(
    connected: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    connected.play(chunk("**one** "), 0.1, chunk("two"), finish(), DONE)
    stream = Conversation().stream("Go")
    show(stream)
    assert stream.response.text == "**one** two"
    assert capsys.readouterr().out == "**one** two\n"


def test_an_error_is_raised_and_the_text_before_it_is_shown(
    connected: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    connected.play(chunk("half"), 0.1, end="reset")
    with pytest.raises(IncompleteResponseError) as raised:
        show(Conversation().stream("Go"))
    assert raised.value.text == "half"
    assert capsys.readouterr().out == "half\n"


@pytest.mark.slow
@pytest.mark.parametrize("shell", [[], ["-m", "IPython", "--simple-prompt", "--no-banner"]])
def test_in_a_terminal_it_is_rendered(connected: ScriptedServer, shell: list[str]) -> None:
    connected.play(chunk("# Title\n\n**one** "), 0.1, chunk("two"), finish(), DONE)
    main, side = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color"}
    command = [sys.executable, *shell, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=side, stderr=side, stdin=side, env=env) as process:
        os.close(side)
        output = b""
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(main, 65536):
                output += piece
    os.close(main)
    screen = output.decode()
    assert process.returncode == 0, screen
    assert "one" in screen
    assert "**" not in screen
    assert "\x1b[1m" in screen, "bold"
