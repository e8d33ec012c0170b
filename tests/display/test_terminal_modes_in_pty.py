"""Tab and ambient mode in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer, answer
from tests.pty_screen import PtyScreen

pytest.importorskip("termios")


@pytest.fixture
def screen(tmp_path: Path, server: ScriptedServer) -> Iterator[PtyScreen]:
    """Return IPython in a terminal, with the extension loaded."""
    env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor"]
    screen = PtyScreen(command, tmp_path, 40, env)
    screen.until_text("In [1]:")
    screen.type("%load_ext cellmage\r")
    screen.until_text("In [2]:")
    yield screen
    screen.close()


def test_tab_offers_flags(screen: PtyScreen) -> None:
    screen.type("%llm --temp\t")
    screen.until_text("%llm --temperature")
    screen.type(" 0 --max-\t")
    screen.until_text("--max-context-turns")
    screen.until_text("--max-tokens")


def test_ambient_mode(screen: PtyScreen, server: ScriptedServer) -> None:
    server.play(*answer("It scatters."))
    screen.type("%llm_ambient on\r")
    screen.until_text("In [3]:")
    screen.type("Why is (the sky blue?\r")
    screen.until_text("It scatters.")
    screen.until_text("Ambient mode is on")
    screen.until_text("In [4]:")
    assert server.last.messages == [("user", "Why is (the sky blue?")]
    screen.type("%llm_ambient off\r")
    screen.until_text("In [5]:")
    screen.type("40 + 2\r")
    screen.until_text("42")
