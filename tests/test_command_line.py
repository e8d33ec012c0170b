"""The command line: ``python -m cellmage``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from cellmage.runtime.interrupts import sigint_handler
from cellmage.testing import ScriptedServer, answer, chunk


def start(server: ScriptedServer, *words: str) -> subprocess.Popen[str]:
    environ = os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
    # A shell starts background commands with SIGINT ignored, and a process passes that on.
    with sigint_handler(signal.default_int_handler):
        return subprocess.Popen(
            [sys.executable, "-m", "cellmage", *words], env=environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def test_a_question(server: ScriptedServer) -> None:
    server.play(*answer("**Yes**, it is.", 3))
    with start(server, "-m", "m", "-s", "Be brief.", "Is", "it?") as process:
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("**Yes**, it is.\n", "", 0)
    assert server.last.messages == [("system", "Be brief."), ("user", "Is it?")]


def test_each_piece_is_flushed_and_ctrl_c_keeps_them(server: ScriptedServer) -> None:
    server.play(chunk("one two"), end="hang")
    with start(server, "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("from the standard input")
        process.stdin.close()
        assert process.stdout.read(7) == "one two"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "stopped\n"
    assert server.last.messages == [("user", "from the standard input")]
    assert server.last.finished.wait(5)


def test_an_error_is_one_line(server: ScriptedServer) -> None:
    server.play(status=401, content_type="application/json")
    with start(server, "hi") as process:
        out, err = process.communicate(timeout=30)
    assert (out, process.returncode) == ("", 1)
    assert len(err.splitlines()) == 1
    assert "the key was refused" in err


def test_a_pipe_receives_the_answer_alone(tmp_path: Path) -> None:
    """Notices go to the standard error."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "CELLMAGE_"))
    }
    command = [sys.executable, "-m", "cellmage", "hi"]
    process = subprocess.run(
        command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "No model is configured" not in process.stdout
    assert process.stderr.startswith("(No model is configured")


def test_a_consumer_that_closes_the_pipe(server: ScriptedServer) -> None:
    server.play(*[chunk("line\n")] * 5000, end="hang")
    with start(server, "hi") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
