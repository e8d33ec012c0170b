"""The Python in docs/ and the README runs, as it stands."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["README.md", "docs/streams.md"])
def test_python_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, name, "exec"), names)  # they stand on each other
    for each in ("handler", "frames"):
        if each in names:
            asyncio.run(names[each]())  # type: ignore[operator]
