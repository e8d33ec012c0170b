"""The import of the SDK before the first question: when it happens, and when it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.client import Kernel

pytestmark = pytest.mark.slow

IS_IMPORTED = "'openai.resources.models' in __import__('sys').modules"
HAS_LOOP = "'cellmage-loop' in [t.name for t in __import__('threading').enumerate()]"
IDLE_TWICE_SECONDS = 0.6


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    """Start a kernel of its own: what a process has imported stays."""
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


def test_the_sdk_is_imported_while_the_kernel_is_idle(fresh: Kernel) -> None:
    run = fresh.run(
        "%load_ext cellmage\n"
        f"__import__('time').sleep({IDLE_TWICE_SECONDS})\n"
        f"print({IS_IMPORTED}, {HAS_LOOP})"
    )
    assert run.printed == "False False\n"  # not before the cell has ended
    deadline = time.monotonic() + 60
    while not fresh.value(IS_IMPORTED):
        assert time.monotonic() < deadline
        time.sleep(IDLE_TWICE_SECONDS)  # each cell delays it


def test_not_where_nobody_is_watching(fresh: Kernel) -> None:
    fresh.run("%load_ext cellmage", allow_stdin=False)
    assert fresh.run(f"print({HAS_LOOP})", allow_stdin=False).printed == "False\n"


def test_unloading_stops_it(fresh: Kernel) -> None:
    fresh.run("%load_ext cellmage\n%unload_ext cellmage")
    callbacks = "sum(map(len, get_ipython().events.callbacks.values()))"
    before = fresh.value(callbacks)
    fresh.run("%load_ext cellmage")
    assert fresh.value(callbacks) > before
    fresh.run("%unload_ext cellmage")
    assert fresh.value(callbacks) == before
