"""Whatever code does in the twin: nothing of this process changes, nothing of the twin stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from cellmage import twin
from tests.repetitions import IS_STRESS, repeat, sample
from tests.twin.programs import NASTY
from tests.twin.state import state_of

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="it looks into /proc")

LIMIT_SECONDS = 0.5 if not IS_STRESS else 2.0


def living(word: str) -> list[str]:
    """Return the processes that have a word in their environment or folder."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and os.readlink(folder / "cwd") == word:
                found.append(folder.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", sample(list(NASTY), 15))
def test_nasty_programs(shell: InteractiveShell, name: str, tmp_path: Path) -> None:
    twin.run("1", seconds=5)  # what a first run loads
    before = state_of(shell.user_ns)
    twin.run(NASTY[name], seconds=LIMIT_SECONDS, memory=2**30)
    assert state_of(shell.user_ns) == before
    for _ in range(100):
        if living(str(tmp_path)) == [str(os.getpid())]:
            break
        time.sleep(0.02)
    assert living(str(tmp_path)) == [str(os.getpid())]
    assert twin.run("6 * 7").outputs[-1].data["text/plain"] == "42"


@pytest.mark.slow
@given(st.lists(st.sampled_from(sorted(NASTY)), min_size=2, max_size=4))
@repeat(50)
def test_programs_of_several_steps(busy_shell: InteractiveShell, names: list[str]) -> None:
    before = state_of(busy_shell.user_ns)
    code = "\n".join(NASTY[name] for name in names if not NASTY[name].startswith("%%"))
    twin.run(code, seconds=LIMIT_SECONDS, memory=2**30)
    assert state_of(busy_shell.user_ns) == before
