"""Code in the twin: what comes back, and that nothing of this process changes."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cellmage import twin
from cellmage.twin import TwinError


@pytest.fixture
def shell(busy_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    busy_shell.run_cell("values = [1, 2]", store_history=False)
    yield busy_shell
    busy_shell.user_ns.pop("values")


def test_a_cell(shell: InteractiveShell) -> None:
    run = twin.run("print('begin'); values.append(3); total = sum(values); total")
    assert run.ok, run
    assert run.stdout == "begin\n"
    assert run.outputs[-1].data["text/plain"] == "6"
    assert [(name.name, name.description) for name in run.bound] == [("total", "6")]
    assert shell.user_ns["values"] == [1, 2]
    assert "total" not in shell.user_ns


def test_outputs_as_they_arrive(shell: InteractiveShell) -> None:
    heard: list[str] = []
    twin.run(
        "import time\nfor n in range(3):\n    print(n)\n    time.sleep(0.1)",
        on_output=lambda output: heard.append(output.text),
    )
    assert "".join(heard) == "0\n1\n2\n"
    assert len(heard) > 2


def test_what_C_code_prints(shell: InteractiveShell) -> None:
    run = twin.run("import os; os.write(1, b'out'); os.write(2, b'err');")
    assert {(output.kind, output.text) for output in run.outputs} == {
        ("stdout", "out"),
        ("stderr", "err"),
    }


def test_the_time_is_over(shell: InteractiveShell) -> None:
    run = twin.run("print('begun')\nwhile True: pass", seconds=1)
    assert run.stopped == "it took longer than 1 s"
    assert run.stdout == "begun\n"


def test_what_it_would_have_done(shell: InteractiveShell, tmp_path: Path) -> None:
    run = twin.run(f"open({str(tmp_path / 'a.txt')!r}, 'w')")
    assert run.files == (str(tmp_path / "a.txt"),)
    assert run.error == "ActsOutside: it would write the file a.txt, which is not done in the twin"
    assert not list(tmp_path.iterdir())


def test_a_temporary_file_is_written_and_gone(shell: InteractiveShell) -> None:
    run = twin.run(
        "import tempfile\nwith tempfile.NamedTemporaryFile(delete=False) as f: f.write(b'x')\n"
        "name = f.name; name"
    )
    assert run.ok, run
    assert not os.path.exists(eval(run.outputs[-1].data["text/plain"]))


def test_memory_is_bounded_and_measured(shell: InteractiveShell) -> None:
    run = twin.run("big = bytearray(2 * 10**8)", memory=10**8)
    assert run.error == "MemoryError"
    assert twin.run("big = bytearray(2 * 10**8)").memory > 10**8


def test_the_end_of_the_process(shell: InteractiveShell) -> None:
    assert twin.run("import os; os._exit(3)").error == "it ended its process with status 3"
    assert twin.run("import os; os.abort()").error == "its process was ended by SIGABRT"


def test_a_namespace_of_its_own(shell: InteractiveShell) -> None:
    names = {"own": 20}
    run = twin.run("own += 1; own * 2", namespace=names)
    assert run.outputs[-1].data["text/plain"] == "42"
    assert names == {"own": 20}


def test_random_numbers_are_those_of_a_cell(shell: InteractiveShell) -> None:
    random.seed(5)
    run = twin.run("import random; random.random()")
    assert float(run.outputs[-1].data["text/plain"]) == random.random()


def test_a_refusal(shell: InteractiveShell, tmp_path: Path) -> None:
    refused = pytest.raises(TwinError, match="`base` is an open connection to a database")
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, refused:
        twin.run("1", namespace={"base": connection})
    with closing(sqlite3.connect(":memory:")) as connection:
        assert twin.run("base.execute('select 1').fetchone()", namespace={"base": connection}).ok
    twin.run("1", namespace={"base": connection})  # a closed one


def test_pools_of_threads_and_of_forked_processes(shell: InteractiveShell) -> None:
    for pool in ("multiprocessing.pool.ThreadPool", "multiprocessing.get_context('fork').Pool"):
        run = twin.run(
            f"import multiprocessing.pool\nwith {pool}(2) as pool: print(pool.map(abs, [-1, 2]))"
        )
        assert run.stdout == "[1, 2]\n", run
        assert not run.actions


def test_what_no_audit_hook_sees(shell: InteractiveShell) -> None:
    run = twin.run("import multiprocessing; multiprocessing.get_context('spawn').Pool(2)")
    assert [action.verb for action in run.actions] == ["share memory or start a program"]
