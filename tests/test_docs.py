"""The Python in docs/ and the README runs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python_blocks(name: str) -> list[str]:
    """Return the blocks of Python in a file, in order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/streams.md"])
def test_python_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = python_blocks(name)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, name, "exec"), namespace)  # later blocks use the names of earlier ones
    for function in ("handler", "frames"):
        if function in namespace:
            asyncio.run(namespace[function]())  # type: ignore[operator]


@pytest.mark.slow
def test_tests_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_docs.py").write_text("\n".join(python_blocks("docs/testing.md")))
    # Plugins of other packages in this environment take seconds to import.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ["-q", "-p", "no:cacheprovider", "-p", "cellmage.testing.plugin"]
    command = [sys.executable, "-m", "pytest", *options]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 passed" in result.stdout
