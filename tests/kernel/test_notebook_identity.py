"""Real kernels of notebooks that are renamed, copied, linked, or named like an earlier one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel
from tests.kernel.notebooks import Start, last_questions, run_all, write_notebook

pytestmark = pytest.mark.slow

ALWAYS = "get_ipython().config.LLMMagics.resume = 'always'\n%load_ext cellmage"
ODD_NAME = "odd\udcff.ipynb" if sys.platform == "linux" else "odd.ipynb"
"""A name that is not UTF-8, where there are such names."""


def test_a_new_notebook_of_the_same_name_starts_fresh(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    path = write_notebook(tmp_path / "Untitled.ipynb", "ab")
    first = start(path, ALWAYS)
    run_all(first, "ab")
    report = path.rename(tmp_path / "report.ipynb")
    write_notebook(path, "xy")
    second = start(path, ALWAYS)
    assert second.greeting == ""
    run_all(second, "x")
    assert last_questions(server) == "x"
    assert "no turns are stored" in second.run("%llm_history --resume missing.ipynb").error
    run_all(first, "c")
    assert last_questions(server) == "abc"
    first.close()
    restarted = start(path, "")  # under the old name, which is another notebook's now
    restarted.finish(restarted.start(ALWAYS, "a"))
    run_all(restarted, "d")
    assert last_questions(server) == "abcd"
    reopened = start(report, ALWAYS)
    assert reopened.greeting == "Resumed 4 turns of this notebook.\n"
    assert start(path, ALWAYS).greeting == "Resumed 1 turn of this notebook.\n"


def test_a_copy_and_a_link(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / ODD_NAME, "ab")
    run_all(start(path), "ab")
    copy = start(Path(shutil.copy(path, tmp_path / "copy.ipynb")), ALWAYS)
    assert copy.greeting == ""
    run_all(copy, "b")
    assert last_questions(server) == "b"
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.ipynb"
    link.symlink_to(path)
    assert start(link, ALWAYS).greeting == "Resumed 2 turns of this notebook.\n"


def test_before_the_file_is_saved(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    """The cells that run tell whose the stored turns are, and a question is never sent without."""
    path = write_notebook(tmp_path / "a.ipynb", "")
    run_all(start(path), "ab")
    second = start(path, ALWAYS)
    assert second.greeting == ""
    run_all(second, "x")
    run = second.run("%%llm\nb", "b")
    assert run.printed.startswith("Resumed 3 turns of this notebook.\n")
    assert last_questions(server) == "ab"
    write_notebook(path, "abx")
    assert start(path, ALWAYS).greeting == "Resumed 3 turns of this notebook.\n"


def test_turns_without_ids_are_resumed_by_name(start: Start, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "")
    first = start(path)
    assert "sends no ids of cells" in first.run("%%llm\nprivate").printed
    second = start(path, ALWAYS)
    assert second.greeting.startswith("Turns are stored under the name of this notebook, without")
    assert second.run("%llm_history --resume").error.startswith("UsageError: no turns are stored")
    assert second.run("%llm_history --resume 'a.ipynb'").printed == "Resumed 1 turn of a.ipynb\n"


def test_a_deleted_working_folder(offline: Kernel) -> None:
    offline.run("%unload_ext cellmage\nimport os, tempfile\nhome = os.getcwd()")
    offline.run("folder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)")
    try:
        run = offline.run("%load_ext cellmage")
        assert (run.error, run.printed) == ("", "")
        assert offline.run("%%llm\nhi").ok
        assert "cannot be written" in offline.run("%llm_history --export talk.md").error
    finally:
        offline.run("os.chdir(home)")


def test_reload_keeps_chats_and_what_is_not_stored(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("%llm_config --store off -t 0.3\n%llm_history --new side")
    for chat in ("", "--chat side "):
        kernel.run(f"%llm {chat}first")
        assert kernel.run("%reload_ext cellmage").printed == ""
        kernel.run(f"%llm {chat}second")
        assert [text for _, text in server.last.messages[::2]] == ["first", "second"]
        assert server.last.body["temperature"] == 0.3
