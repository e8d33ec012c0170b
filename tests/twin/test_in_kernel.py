"""The twin of a real kernel."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.client import Kernel, Run
from tests.repetitions import sample
from tests.twin import state
from tests.twin.programs import NASTY, SETUP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="it looks into /proc"),
]

CHECK = """
before = state_of(namespace)
made = twin.run({code!r}, seconds={seconds}, memory=2**30)
after = state_of(namespace)
{{key: (before[key], after[key]) for key in before if after[key] != before[key]}}
"""


@pytest.fixture(scope="module")
def busy_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("twin"))
    setup = f"import matplotlib.pyplot\n{SETUP}"
    assert kernel.run(setup + "namespace = get_ipython().user_ns").ok
    source = Path(state.__file__).read_text().replace("if name[:1] != '_'", "")
    assert kernel.run(source).ok
    assert kernel.run("from cellmage import twin; before = made = after = None").ok
    yield kernel
    kernel.close()


def results(run: Run) -> list[str]:
    return [message.content["data"]["text/plain"] for message in run.of_type("execute_result")]


@pytest.mark.parametrize("name", sample(list(NASTY), 12))
def test_nasty_programs(busy_kernel: Kernel, name: str) -> None:
    run = busy_kernel.run(CHECK.format(code=NASTY[name], seconds=0.5))
    assert run.ok, run.error
    assert results(run) == ["{}"]
    shown = run.of_type("display_data", "stream", "error", "update_display_data", "comm_open")
    assert not shown, [message.content for message in shown]
    assert results(busy_kernel.run("6 * 7")) == ["42"]


def test_what_comes_back(busy_kernel: Kernel) -> None:
    code = (
        "import matplotlib.pyplot as plt\nprint(len(table))\nplt.plot([1, 2]);\n"
        "import asyncio\nawait asyncio.sleep(0)\ndoubled = table.a * 2\ndoubled.sum()"
    )
    run = busy_kernel.run(f"made = twin.run({code!r}); print(made.error)")
    assert run.printed == "\n"
    outputs = busy_kernel.value("[(o.kind, o.text, sorted(o.data)) for o in made.outputs]")
    assert outputs == [
        ("stdout", "50\n", []),
        ("result", "", ["text/plain"]),
        ("display", "", ["image/png", "text/plain"]),
    ]
    assert busy_kernel.value("[name.name for name in made.bound]") == ["plt", "asyncio", "doubled"]
    assert busy_kernel.value("made.bound[2].type") == "Series"


def test_a_traceback_has_the_lines_of_the_code(busy_kernel: Kernel) -> None:
    busy_kernel.run("made = twin.run('x = 1\\n\\nx / 0')")
    assert busy_kernel.value("made.error") == "ZeroDivisionError: division by zero"
    text = busy_kernel.value("made.outputs[0].text")
    assert "line 3" in text
    assert "cellmage" not in text


def test_asyncio_run_fails_as_in_a_cell(busy_kernel: Kernel) -> None:
    busy_kernel.run("made = twin.run('import asyncio; asyncio.run(asyncio.sleep(0))')")
    assert "running event loop" in busy_kernel.value("made.error")


def test_an_interrupt(busy_kernel: Kernel) -> None:
    code = "started = True\ntwin.run('while True: pass', on_output=None, seconds=60)"
    msg_id = busy_kernel.start(code)
    time.sleep(1)
    busy_kernel.interrupt()
    assert busy_kernel.finish(msg_id).reply["ename"] == "KeyboardInterrupt"
    assert busy_kernel.value("children()") == []
    assert results(busy_kernel.run("6 * 7")) == ["42"]


def test_on_a_thread_and_in_a_loop(busy_kernel: Kernel) -> None:
    run = busy_kernel.run(
        "import asyncio\nmade = await asyncio.to_thread(twin.run, 'print(len(table)); 5')"
    )
    assert run.ok, run.error
    assert busy_kernel.value("made.stdout") == "50\n"
