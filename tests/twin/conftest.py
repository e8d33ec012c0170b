from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.twin.programs import SETUP


@pytest.fixture(scope="session")
def busy_shell() -> InteractiveShell:
    """A shell with the variables that programs try to change."""
    shell = InteractiveShell.instance()
    shell.run_cell(SETUP, store_history=False).raise_error()
    return shell


@pytest.fixture
def shell(
    busy_shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> InteractiveShell:
    """The shell, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return busy_shell
