"""What a notebook remembers: kernels end, files are renamed and copied, and the turns are there."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.client import Kernel, Run
from tests.kernel.test_frames import paced
from tests.scripted_server import Reply, ScriptedServer, answer, chunk

Start = Callable[..., Kernel]


def write_notebook(path: Path, cells: str = "abcde") -> Path:
    """A notebook whose cells have these ids."""
    made = [
        {"cell_type": "code", "id": each, "source": f"%%llm\n{each}", "outputs": []}
        for each in cells
    ]
    path.write_text(json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.fixture
def start(tmp_path: Path, server: ScriptedServer) -> Iterator[Start]:
    """Start the kernel of a notebook; the extension is loaded."""
    server.play_for(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))
    running: list[Kernel] = []

    def start(notebook: Path | None = None, load: str = "%load_ext cellmage") -> Kernel:
        environ = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
        if notebook is not None:
            environ["JPY_SESSION_NAME"] = str(notebook)
        kernel = Kernel(tmp_path, environ)
        running.append(kernel)
        kernel.greeting = kernel.run(load).printed  # type: ignore[attr-defined]
        kernel.run("magics = lambda: get_ipython().magics_manager.registry['LLMMagics']")
        return kernel

    yield start
    for kernel in running:
        kernel.close()


def run_all(kernel: Kernel, cells: str = "abcde", **content: bool) -> None:
    for cell in cells:
        assert kernel.run(f"%%llm\n{cell}", cell, **content).ok


def asked(server: ScriptedServer) -> str:
    """The questions of the last request."""
    return "".join(text for role, text in server.last.messages if role == "user")


def greeting(kernel: Kernel) -> str:
    return kernel.greeting  # type: ignore[attr-defined,no-any-return]


def test_restart_resume_run_all(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    first = start(notebook)
    assert greeting(first) == ""
    run_all(first)
    run_all(first)
    assert asked(server) == "abcde"
    first.close()
    second = start(notebook)
    assert greeting(second) == (
        "5 turns stored for this notebook; %llm_history --resume takes them up\n"
    )
    assert second.run("%llm_history --resume").printed == "5 turns taken up\n"
    assert second.run("%%llm\nnext", "f").ok
    assert asked(server) == "abcdenext"
    assert second.run("%llm_history --drop 6").ok
    run_all(second)
    assert asked(server) == "abcde"
    assert len(second.run("%llm_history").printed.splitlines()) == 6
    assert "1.2" in second.run("%llm_history --attempts 1").printed


def test_run_all_without_resuming(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    for _ in range(2):
        kernel = start(notebook)
        run_all(kernel)
        assert asked(server) == "abcde"
        kernel.close()
    assert "5 turns stored" in greeting(start(notebook))


@pytest.mark.parametrize(
    ("setting", "line"), [("always", "5 turns of this notebook"), ("never", "")]
)
def test_resume_by_itself_or_never(
    start: Start, server: ScriptedServer, tmp_path: Path, setting: str, line: str
) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    run_all(start(notebook))
    load = f"c = get_ipython().config\nc.LLMMagics.resume = {setting!r}\n%load_ext cellmage"
    kernel = start(notebook, load)
    assert greeting(kernel).startswith(line)
    assert bool(greeting(kernel)) == bool(line)
    assert kernel.run("%%llm\nnext", "f").ok
    assert asked(server) == ("abcdenext" if line else "next")


def test_a_renamed_notebook_goes_on(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    first = start(old)
    run_all(first)
    new = old.rename(tmp_path / "b.ipynb")
    assert first.run("%%llm\nwhile it runs", "f").ok
    assert asked(server) == "abcdewhile it runs"
    second = start(new)
    assert greeting(second) == "this notebook was a.ipynb: its 6 turns taken up\n"
    assert second.run("%%llm\nnext", "g").ok
    assert asked(server) == "abcdewhile it runsnext"


def test_renamed_and_restarted_under_the_old_name(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    """A restart of the kernel alone keeps its environment, which has the old name."""
    old = write_notebook(tmp_path / "a.ipynb")
    run_all(start(old))
    old.rename(tmp_path / "b.ipynb")
    write_notebook(tmp_path / "c.ipynb", "vwxyz")
    second = start(old)
    assert greeting(second) == "this notebook was a.ipynb: its 5 turns taken up\n"
    assert second.run("%%llm\nnext", "f").ok
    assert asked(server) == "abcdenext"
    second.close()
    assert "6 turns stored for this notebook" in greeting(start(tmp_path / "b.ipynb"))


def test_a_copy_starts_fresh(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    run_all(start(old))
    copy = Path(shutil.copy(old, tmp_path / "c.ipynb"))
    kernel = start(copy)
    assert greeting(kernel) == ""
    run_all(kernel, "ab")
    assert asked(server) == "ab"
    assert "5 turns stored" in greeting(start(old))


def test_another_notebook_of_the_folder_starts_fresh(start: Start, tmp_path: Path) -> None:
    old = write_notebook(tmp_path / "a.ipynb")
    run_all(start(old))
    old.unlink()
    assert greeting(start(write_notebook(tmp_path / "b.ipynb", "vwxyz"))) == ""


def test_attach(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = write_notebook(tmp_path / "old" / "a.ipynb")
    run_all(start(old))
    new = write_notebook(tmp_path / "b.ipynb")
    old.unlink()
    kernel = start(new)
    assert greeting(kernel) == ""
    assert kernel.run("%llm_history --attach nowhere.ipynb").error.startswith(
        "UsageError: no turns"
    )
    assert (
        kernel.run("%llm_history --attach old/a.ipynb").printed == "5 turns of a.ipynb taken up\n"
    )
    assert kernel.run("%%llm\nnext", "f").ok
    assert asked(server) == "abcdenext"


@pytest.mark.parametrize("has_path", [True, False])
def test_nothing_is_stored_where_no_one_watches(
    start: Start, tmp_path: Path, has_path: bool
) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb") if has_path else None
    kernel = start(notebook)
    for _ in range(2):
        assert kernel.run("%%llm\nhi", allow_stdin=False).ok
    assert not (tmp_path / "data").exists()
    assert kernel.run("%llm_config --store on", allow_stdin=False).ok
    assert kernel.run("%%llm\nhi", allow_stdin=False).ok
    assert (tmp_path / "data" / "cellmage" / "conversations.db").exists()
    assert kernel.run("%reload_ext cellmage", allow_stdin=False).printed == ""


def test_unwatched_cells_with_ids_are_stored(start: Start, tmp_path: Path) -> None:
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    run_all(kernel, "ab", allow_stdin=False)
    assert "2 turns stored" in greeting(start(tmp_path / "a.ipynb"))


def test_store_off(start: Start, tmp_path: Path) -> None:
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    kernel.run("%llm_config --store off")
    run_all(kernel, "ab")
    assert not (tmp_path / "data").exists()
    assert len(kernel.run("%llm_history").printed.splitlines()) == 3


def test_silent_and_without_history(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    """IPython's own history has nothing to do with ours."""
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    for content in ({"silent": True}, {"store_history": False}):
        assert kernel.run("%llm hi", **content).ok
    assert len(kernel.run("%llm_history").printed.splitlines()) == 3


def test_chats_are_stored_by_name(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    for _ in range(2):
        kernel = start(notebook)
        assert kernel.run("%llm_history --new other").ok
        assert kernel.run("%%llm --chat other\nin other", "a").ok
        assert asked(server) == "in other"
        run_all(kernel, "bc")
        kernel.close()
    kernel = start(notebook)
    rows = [line.split() for line in kernel.run("%llm_history --chats").printed.splitlines()[1:]]
    assert sorted(rows) == [["other", "1", "stored"], ["—", "0", "here"]]
    assert kernel.run("%llm_history --resume").printed == "3 turns taken up\n"
    assert "in other" in kernel.run("%llm_history --chat other").printed
    assert kernel.run("%llm_history --chat other --fork third").ok
    assert kernel.run("%llm_history --fork third").error.startswith("UsageError: there is a chat")
    assert kernel.run("%llm_history --fork 'first b' --at 1").ok
    assert kernel.run("%%llm --chat 'first b'\nnext", "z").ok
    assert asked(server) == "bnext"
    kernel.close()
    kernel = start(notebook)
    kernel.run("%llm_history --resume")
    rows = [line.split() for line in kernel.run("%llm_history --chats").printed.splitlines()[1:]]
    assert sorted(rows) == [
        ["first", "b", "2", "here"], ["other", "1", "here"], ["third", "1", "here"],
        ["—", "2", "here"],
    ]  # fmt: skip


def test_kill_9_in_mid_stream(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    first = start(notebook)
    run_all(first, "a")
    server.play(*[step for n in range(900) for step in (chunk(f"{n} "), 0.033)])
    msg_id, run = first.start("%%llm\nb", "b"), Run()
    first.collect(msg_id, run, until="60 61")
    first.manager.signal_kernel(signal.SIGKILL)
    server.play(*answer("ok"))
    second = start(notebook)
    assert "2 turns stored" in greeting(second)
    assert second.run("%llm_history --resume").ok
    assert second.run("%%llm\nnext", "c").ok
    (_, kept) = server.last.messages[3]
    assert [role for role, _ in server.last.messages] == ["user", "assistant"] * 2 + ["user"]
    assert len(kept.split()) >= 62 - 31
    assert kept.split() == [str(n) for n in range(len(kept.split()))]
    line = second.run("%llm_history").printed.splitlines()[2]
    assert line.split()[3] == "partial"


def test_a_stored_answer_is_shown_again(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    run_all(start(notebook), "a")
    kernel = start(notebook)
    kernel.run("%llm_history --resume")
    run = kernel.run("%llm_history --show 1")
    assert run.shown == ["A"]
    assert kernel.run("%llm_history --show 2").error == (
        "UsageError: there is no turn 2; there are 1"
    )


def test_damage_costs_a_line_and_not_the_answer(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "data" / "cellmage" / "conversations.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"junk" * 1000)
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    assert greeting(kernel) == (
        "the stored conversations were damaged; "
        f"the file is kept as {file.with_name('conversations.db.damaged-1')}\n"
    )
    run = kernel.run("%%llm\na", "a")
    assert (run.shown, run.printed) == (["A"], "")


def test_a_store_that_is_held_costs_a_line(start: Start, tmp_path: Path) -> None:
    kernel = start(write_notebook(tmp_path / "a.ipynb"))
    run_all(kernel, "a")
    holder = sqlite3.connect(
        tmp_path / "data" / "cellmage" / "conversations.db", isolation_level=None
    )
    holder.execute("BEGIN EXCLUSIVE")
    run = kernel.run("%%llm\nb", "b")
    assert run.shown == ["B"]
    assert run.printed == ("the store is in use by another program: what is new is stored later\n")
    assert kernel.run("%%llm\nc", "c").printed == ""
    holder.execute("COMMIT")
    holder.close()
    run_all(kernel, "d")
    kernel.close()
    assert "4 turns stored" in greeting(start(tmp_path / "a.ipynb"))


def test_the_vs_code_notebook(start: Start, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb")
    load = f"__vsc_ipynb_file__ = {str(notebook)!r}\n%load_ext cellmage"
    kernel = start(None, load)
    assert kernel.run("%%llm\na", "vscode-notebook-cell:/a.ipynb#W0sZmlsZQ%3D%3D").ok
    kernel.close()
    assert "1 turn stored for this notebook" in greeting(start(None, load))


def test_a_session_that_is_no_file(start: Start, tmp_path: Path) -> None:
    """Consoles of Jupyter have a name that is no path; they go by the folder."""
    kernel = start(tmp_path / "console-1-abc")
    assert kernel.run("%llm a").ok
    kernel.close()
    assert "1 turn stored for this folder" in greeting(start())


NAMES = json.loads((Path(__file__).parent.parent / "data/hostile_names.json").read_text())["names"]

ASK_IN_EACH = """
import json
refused = []
for name in json.load(open("names.json")):
    try:
        magics().chats.new(name)
    except Exception as error:
        refused.append((name, str(error)))
    else:
        magics().chats.keep("on")
        magics().chats.get(name).ask("hi", model="offline/echo")
"""


def test_hostile_names_of_chats(start: Start, tmp_path: Path) -> None:
    """A name is stored as data or refused in one line; nothing but the store is touched."""
    names = [each["name"] for each in NAMES]
    notebook = write_notebook(tmp_path / "a.ipynb")
    (tmp_path / "names.json").write_text(json.dumps(names))
    kernel = start(notebook)
    before = {path for path in tmp_path.rglob("*") if "ipython" not in path.parts}
    assert kernel.run(ASK_IN_EACH).ok
    after = {path for path in tmp_path.rglob("*") if "ipython" not in path.parts}
    assert {path.relative_to(tmp_path).parts[0] for path in after - before} <= {"data", "runtime"}
    refused = dict(kernel.value("refused"))
    odd = [name for name in names if name != name.strip() or not name.isprintable()]
    assert set(refused) == {*odd, *(name for name in names if len(name) > 100)}
    assert all(len(line.splitlines()) == 1 for line in refused.values())
    kernel.close()
    again = start(notebook)
    again.run("%llm_history --resume")
    stored = {name for name, count, _ in again.value("magics().chats.names()") if count}
    assert stored == set(names) - set(refused)


def test_a_notebook_alone_gives_the_turns_back(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    """From the outputs that a front end saved: loops, reasoning, parts, cut and continued."""
    kernel = start()
    long = "".join(f"## {n}\n\n{'word ' * 60}\n\n" for n in range(40))
    replies = {
        "cut": Reply([chunk("one "), chunk(finish="length")]),
        "long": Reply(paced(long, 400, 0.001)),
        "think": Reply([chunk(reasoning_content="Hm."), *answer("So \x07 it is")]),
    }
    server.play_for(lambda exchange: replies.get(exchange.messages[-1][1]) or Reply(answer("two")))
    sources = {
        "a": "%%llm --system 'Be brief.'\ncut",
        "b": "%llm --continue",
        "c": "for word in ('think', 'third'):\n    %llm {{ word }}",
        "d": "1 + 1\n%llm long",
        "e": "%llm_history --show 1",
    }
    cells = []
    for key, source in sources.items():
        run = kernel.run(source, key)
        assert run.ok, run.error
        outputs = [{"output_type": "display_data", **output} for output in run.outputs]
        cells.append({"cell_type": "code", "id": key, "source": source, "outputs": outputs})
    (tmp_path / "saved.ipynb").write_text(json.dumps({"cells": cells}))
    assert kernel.run("%llm_history --new again\n%llm_history --chat again --from saved.ipynb").ok
    facts = (
        "[(t.prompt, t.response.text, t.response.reasoning, tuple(t.key), t.response.id, t.system) "
    )
    old = kernel.value(f"{facts} for t in magics().chats.get(None).turns]")
    new = kernel.value(f"{facts} for t in magics().chats.get('again').turns]")
    assert [each[:3] for each in old] == [
        ("cut", "one two", ""), ("think", "So \x07 it is", "Hm."), ("third", "two", ""),
        ("long", long, ""),
    ]  # fmt: skip
    assert new == old
