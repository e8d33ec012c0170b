"""The command line: ``python -m cellmage``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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


def run(words: list[str], data: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "cellmage", "-m", "offline/echo", *words]
    return subprocess.run(
        command, input=data, env=os.environ | environ, capture_output=True, check=False
    )


def test_output_in_an_encoding_without_all_characters() -> None:
    process = run(["é 🧙 ok"], PYTHONIOENCODING="cp1252")
    assert (process.stdout, process.returncode) == ("é ? ok\n".encode("cp1252"), 0)


@pytest.mark.parametrize(
    ("encoding", "notice"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("cp1252", "(The input is not UTF-8; it is read as cp1252.)\n"),
    ],
)
def test_input_in_another_encoding(encoding: str, notice: str) -> None:
    process = run(["-"], "naïve\r\n“text”".encode(encoding), PYTHONIOENCODING="utf-8")
    assert process.stdout.decode() == "naïve\n“text”\n"
    assert process.stderr.decode() == notice


def test_a_consumer_that_closes_the_pipe(server: ScriptedServer) -> None:
    server.play(*[chunk("line\n")] * 5000, end="hang")
    with start(server, "hi") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
