"""Code in the twin: what comes back, and that nothing of this process changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cellmage import twin


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.run_cell("values = [1, 2]", store_history=False)
    yield shell
    shell.reset(new_session=False)


def test_a_cell(shell: InteractiveShell) -> None:
    run = twin.run("print('begin'); values.append(3); total = sum(values); total")
    assert run.ok, run
    assert run.stdout == "begin\n"
    assert run.outputs[-1].data["text/plain"] == "6"
    assert [(name.name, name.description) for name in run.bound] == [("total", "6")]
    assert shell.user_ns["values"] == [1, 2]
    assert "total" not in shell.user_ns
