"""Foreign text in terminals: none of it controls the terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellmage import CellmageError, Response
from cellmage.display.listing import Listing
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.display.test_terminal_in_pty import IPython

HOSTILE = "\x1b]52;c;QUJD\x07\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2066\x08\rend"
CONTROLS = re.compile(r"\x1b\]|\x1b\[2J|[\x07\x9b\u202e\u2066]")
"""What the payload would do; a terminal program moves its cursor with other sequences."""


def reply(exchange: Exchange) -> Reply:
    """Return a reply with the payload in each of its fields."""
    if exchange.path.endswith("/models"):
        models = {"data": [{"id": f"m{HOSTILE}", "object": "model"}]}
        return Reply([json.dumps(models).encode()], content_type="application/json")
    prompt = exchange.messages[-1][1]
    if "error" in prompt:
        body = {"error": {"message": HOSTILE, "code": HOSTILE, "type": HOSTILE}}
        return Reply([json.dumps(body).encode()], status=400, content_type="application/json")
    if "redirect" in prompt:
        return Reply([b""], status=302, headers={"location": "http://x.invalid/%1b]0;\x9b"})
    if exchange.body.get("tools") and exchange.messages[-1][0] == "user":
        call = tool_call("echo", json.dumps({"text": HOSTILE}))
        return Reply(
            [chunk(HOSTILE), call, tool_call(HOSTILE, "{}", 1), finish("tool_calls"), DONE]
        )
    steps = answer(HOSTILE)[:-2]
    return Reply([chunk(reasoning_content=HOSTILE), *steps, chunk(finish_reason=HOSTILE), DONE])


MAGICS = [
    "%llm Go",
    "%llm error",
    "%llm redirect",
    "%llm --tool echo --auto-approve Go",
    "%llm --compare a,b error",
    "%llm --json Go",
    "%llm_models",
    "%llm_history",
    "%llm_history --show 1",
    "_llm",
    "%llm --dry-run Go",
]


def test_no_magic_passes_controls_on(tmp_path: Path, server: ScriptedServer) -> None:
    server.play_with(reply)
    shell = IPython(tmp_path, 60, server)
    try:
        shell.run("def echo(text: str) -> str: return text")
        start = len(shell.screen.output)  # IPython has set the title by then
        for magic in MAGICS:
            shell.run(magic)
            assert CONTROLS.findall(shell.screen.output[start:]) == [], magic
    finally:
        shell.screen.close()
    assert shell.screen.output.count("end") > len(MAGICS)


@pytest.mark.parametrize("prompt", ["Go", "error", "redirect"])
def test_the_command_line(server: ScriptedServer, prompt: str) -> None:
    server.play_with(reply)
    env = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    command = [sys.executable, "-m", "cellmage", "ask", "-m", "gpt-4o", prompt]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    assert CONTROLS.findall(output) == []
    assert len(output) > 3


def test_values_in_a_terminal() -> None:
    response = Response(HOSTILE, model=HOSTILE)
    listing = Listing([HOSTILE], {HOSTILE: [{HOSTILE: HOSTILE}]}, HOSTILE)
    for value in (response, listing, CellmageError(HOSTILE), [CellmageError(HOSTILE)]):
        assert CONTROLS.findall(repr(value)) == []
    assert CONTROLS.findall(str(CellmageError(HOSTILE))) == []
    assert response.text == HOSTILE, "what was received is kept"
