from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cellmage import Conversation
from cellmage.__main__ import main
from cellmage.demo import CELL

pytestmark = pytest.mark.slow


def test_demo_shows_the_answer_as_it_arrives(tmp_path: Path) -> None:
    lines, times = [], []
    with subprocess.Popen(
        [sys.executable, "-m", "cellmage", "demo"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOME": str(tmp_path), "OPENAI_API_KEY": "sk-not-used"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            times.append(time.monotonic())
    assert process.returncode == 0
    output = "".join(lines)
    prompt = CELL.partition("\n")[2]
    answer = Conversation().ask(prompt, model="offline/tour", stream=False).text
    assert answer.rstrip() in output, "each line once, and none in between"
    assert "No model is configured" in output
    assert "make lab" in output
    begin, end = (n for n, line in enumerate(lines) if "A streamed" in line or "Press" in line)
    assert times[end] - times[begin] > 0.5, "it arrives, it is not there all at once"


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "demo" in capsys.readouterr().out
