"""Kept answers in a kernel: the lines, the flags, other kernels, a kill."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.kernel.client import Run
from tests.kernel.notebooks import NotebookKernel, Start

pytestmark = pytest.mark.slow

KEEP = "%load_ext cellmage\n%llm_config --keep on"


def ask(kernel: NotebookKernel, prompt: str, cell: str, flags: str = "") -> list[str]:
    """Run a prompt, and return its outputs: the answer, and the line below it."""
    run = kernel.run(f"%%llm {flags}\n{prompt}", cell)
    assert run.ok, run.error
    return run.texts


def test_a_notebook_that_is_run_again_asks_nothing(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    notebook = tmp_path / "all.ipynb"
    first = start(notebook, KEEP)
    texts = [ask(first, f"prompt {n}", f"c{n}")[0] for n in range(40)]
    assert len(server.exchanges) == 40
    first.close()
    second = start(notebook, KEEP)
    again = [ask(second, f"prompt {n}", f"c{n}") for n in range(40)]
    assert len(server.exchanges) == 40
    assert [lines[0] for lines in again] == texts
    assert all("kept from" in lines[1] and "--fresh asks again" in lines[1] for lines in again)
    assert second.value("_llm.kept_from")
    assert second.value("len(_llm.id)")
    assert "prompt 39" in second.run("%llm_history").printed


def test_lines_say_what_has_changed(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    kernel = start(tmp_path / "why.ipynb", KEEP)
    kernel.run("numbers = [1, 2]", "v1")
    ask(kernel, "One", "c1")
    ask(kernel, "Two {{ numbers }}", "c2")
    assert ask(kernel, "Two {{ numbers }}", "c2")[1].startswith("(kept from")
    kernel.run("numbers.append(3)", "v2")
    assert ask(kernel, "Two {{ numbers }}", "c2")[1].startswith("(asked again: numbers")
    server.play_with(lambda exchange: Reply(answer("Another one.", 3)))
    ask(kernel, "One", "c1", "--fresh")
    (_, line) = ask(kernel, "Two {{ numbers }}", "c2")
    count = kernel.value("get_ipython().execution_count") - 2
    assert f"the answer of cell [{count}] changed" in line


def test_flags_of_one_prompt(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    kernel = start(tmp_path / "flags.ipynb")
    for flags, requests in (
        ("", 1),  # nothing is kept
        ("--keep", 2),
        ("--keep", 2),
        ("--fresh", 3),
        ("--keep", 3),
        ("--no-keep", 4),
        ("--keep --no-history", 4),
        ("--keep --no-history --stats --out text --code", 4),
        ("--keep -t 1", 5),
    ):
        ask(kernel, "Hi", "c1", flags)
        assert len(server.exchanges) == requests, flags
    assert kernel.value("text") == "HI"


def test_a_dry_run_says_what_would_be_asked(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "dry.ipynb", KEEP)
    ask(kernel, "Hi", "c1")
    kept = kernel.run("%%llm --dry-run\nHi", "c1").printed
    assert "it would be shown, and nothing would be asked" in kept
    stale = kernel.run("%%llm --dry-run\nHello", "c1").printed
    assert "kept answers: it would be asked again: the prompt changed" in stale
    assert "kept answers" not in kernel.run("%%llm --dry-run\nHi", "c2").printed
    assert len(server.exchanges) == 1


def test_a_comparison_keeps_both_answers(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "both.ipynb", KEEP)
    runs = [kernel.run("%%llm --compare m1,m2\nHi", "c1") for _ in range(2)]
    assert all(run.ok for run in runs)
    assert len(server.exchanges) == 2
    page = str(runs[1].outputs)
    assert (page.count("kept from"), page.count("--fresh asks again")) == (2, 2)


def test_a_kept_answer_needs_no_key(start: Start, server: ScriptedServer, tmp_path: Path) -> None:
    notebook = tmp_path / "keyless.ipynb"
    kernel = start(notebook, KEEP)
    ask(kernel, "Hi", "c1")
    forget = "import os; del os.environ['OPENAI_API_KEY']"
    kernel.run(forget)
    assert ask(kernel, "Hi", "c1")[1].startswith("(kept from")
    assert len(server.exchanges) == 1


def test_a_spend_limit_does_not_stop_kept_answers(start: Start, tmp_path: Path) -> None:
    kernel = start(tmp_path / "limit.ipynb", KEEP)
    ask(kernel, "Hi", "c1")
    kernel.run("%llm_config --spend-limit 0")
    assert ask(kernel, "Hi", "c1")[1].startswith("(kept from")


def test_an_answer_of_a_killed_kernel_is_continued(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    notebook = tmp_path / "killed.ipynb"
    kernel = start(notebook, KEEP)
    steps = [step for n in range(300) for step in (chunk(f"{n} "), 0.02)]
    server.play_with(lambda exchange: Reply([*steps, *answer("end", 1)]))
    pending = kernel.start("%%llm --no-history\nCount", "c1")
    kernel.collect(pending, Run(), until="80 ")
    kernel.manager.signal_kernel(signal.SIGKILL)
    server.play_with(lambda exchange: Reply(answer("and the rest", 3)))
    kernel.close()
    second = start(notebook, KEEP)
    run = second.run("%%llm --no-history\nCount", "c1")
    assert run.ok, run.error
    text = second.value("_llm.text")
    assert text.startswith("0 1 2 3 ")
    assert text.endswith("and the rest")
    assert "continued: it was cut on" in run.texts[-1]
    assert server.last.messages[-1][1].startswith("Go on exactly")
    count = len(server.exchanges)
    second.run("%%llm --no-history\nCount", "c1")
    assert (len(server.exchanges), second.value("_llm.text")) == (count, text)


def test_the_user_is_asked_about_a_stale_answer(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "asked.ipynb", "%load_ext cellmage\n%llm_config --keep ask")
    ask(kernel, "Hi", "c1")
    for reply, texts in (("n", "HI"), ("", "HELLO")):
        pending = kernel.start("%%llm\nHello", "c1")
        question = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
        assert "out of date (the prompt changed). Ask the model again? [Y/n]" in question
        kernel.client.input(reply)
        run = kernel.finish(pending)
        assert run.texts[0] == texts
        is_kept = "though the prompt changed; --fresh asks again" in run.texts[-1]
        assert is_kept == (reply == "n")
    run = kernel.run("%%llm\nGood day", "c1", allow_stdin=False)
    assert run.texts[0] == "GOOD DAY"


def test_a_kept_answer_makes_no_later_turn_stale(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "stale.ipynb", KEEP)
    for cell in ("c1", "c2", "c1"):
        run = kernel.run(f"%%llm\nprompt of {cell}", cell)
        assert "stale" not in run.printed
    assert "stale" not in kernel.run("%llm_history").printed
    server.play_with(lambda exchange: Reply(answer("Another one.", 3)))
    ask(kernel, "prompt of c1", "c1", "--fresh")
    assert "stale" in kernel.run("%llm_history").printed


def test_the_status_knows_an_older_kept_answer(
    start: Start, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel = start(tmp_path / "back.ipynb", KEEP)
    ask(kernel, "Before", "c0")
    for flags in ("", "--no-history"):
        for prompt in ("One", "Two", "One"):
            ask(kernel, prompt, f"c1{flags}", flags)
    assert len(server.exchanges) == 5
    table = kernel.run("%llm_status").printed
    assert "3 fresh." in table, table
    server.play_with(lambda exchange: Reply(answer("Another one.", 3)))
    ask(kernel, "Before", "c0", "--fresh")
    assert "stale" in kernel.run("%llm_status").printed
