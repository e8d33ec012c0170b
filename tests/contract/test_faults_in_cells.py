"""Every fault in a cell: what a user sees."""

from __future__ import annotations

import pytest

from cellmage.testing import ScriptedServer
from tests.contract.faults import Case, address, select_cases
from tests.contract.readers import read_in_cell, scale_limits
from tests.contract.results import problems
from tests.kernel.client import Kernel


@pytest.fixture
def hasty(kernel: Kernel) -> Kernel:
    scale_limits(kernel)
    return kernel


@pytest.mark.parametrize("case", select_cases(50, 15), ids=lambda case: case.name)
def test_a_cell(case: Case, hasty: Kernel, server: ScriptedServer, secure_url: str) -> None:
    case = case.with_fewer_chunks()
    server.play_with(case.reply_to)
    base_url, key = address(case, server.url, secure_url)
    result, run = read_in_cell(hasty, base_url, key, server, tools=case.offered_tools, api=case.api)
    assert problems(case, result) == []
    outputs = [output["data"].get("text/plain", "") for output in run.outputs]
    visible = "".join(c for c in result.text if c.isprintable() or c == "\n")
    assert "".join(outputs).startswith(visible)
    assert not any("▌" in output["data"]["text/markdown"] for output in run.outputs)
    assert "\n" not in run.error, "one line"
    if result.outcome in ("partial", "complete_warn") and not run.error:
        assert len(outputs) > bool(result.text), "a notice follows the text"
