"""Formulas and dollars in JupyterLab: what is typeset and seen, while they arrive as well."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cellmage.testing import Reply, ScriptedServer
from tests.browser.conftest import Lab
from tests.browser.frame_recorder import FrameRecorder, PaintedFrame, find_retracted, strip_blanks
from tests.kernel.test_frames import steps_of

pytestmark = pytest.mark.browser

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data/formulas.json").read_text()
)["cases"]


def check(case: dict[str, Any], output: PaintedFrame) -> list[object]:
    """Return what is wrong with the output of a case."""
    formulas = [[kind, join_words(tex)] for kind, tex in output.formulas]
    expected = case["formulas"]
    faults: list[object] = [*output.math_errors]
    if expected is not None and formulas != [[kind, join_words(tex)] for kind, tex in expected]:
        faults.append(formulas)
    if "visible" in case and output.text != strip_blanks(case["visible"]):
        faults.append(output.seen)
    return faults


def join_words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def test_every_case(lab: Lab, server: ScriptedServer) -> None:
    """Each frame shows a beginning of the final text, so no delimiter that becomes a formula."""
    sources = [case["source"] for case in CASES]
    server.play_with(
        lambda exchange: Reply(steps_of(sources[int(exchange.messages[-1][1])], 3, 0.03))
    )
    recorder = FrameRecorder(lab.page)
    lab.open("%load_ext cellmage", "\n".join(f"%llm --no-history {n}" for n in range(len(CASES))))
    lab.load()
    recorder.keep_sources()
    recorder.watch(1)
    lab.run_next(1)
    lab.until(lambda: lab.is_done(1))
    lab.until(lambda: "and so" in (lab.area(1).text_content() or ""))
    lab.page.wait_for_timeout(500)
    outputs = recorder.read_outputs(1)
    assert len(outputs) == len(CASES)
    faults = {case["id"]: check(case, output) for case, output in zip(CASES, outputs, strict=True)}
    assert {case: fault for case, fault in faults.items() if fault} == {}
    frames = recorder.read_frames()
    assert len(frames) > len(CASES)
    assert find_retracted(frames) == []
    assert [error for frame in frames for error in frame.math_errors] == []
