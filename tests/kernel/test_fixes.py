"""``%llm_fix``: a fix is run in the twin before it is shown, and says what is known about it."""

from __future__ import annotations

from itertools import count

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel, Run
from tests.kernel.own_kernel import shared_kernel  # noqa: F401 - the fixture
from tests.proof.failures import Failure, failures
from tests.repetitions import sample

_ids = count()

CASES = sample(list(failures()), 10)


@pytest.fixture
def cell() -> str:
    return f"fix-{next(_ids)}"


def block(code: str) -> str:
    return f"It is this:\n\n```python\n{code}\n```\n"


def play(server: ScriptedServer, *codes: str) -> None:
    """Let the model answer with these fixed cells, in order."""
    answers = iter(codes)
    server.play_with(lambda exchange: Reply(answer(block(next(answers)), 40)))


def fix(kernel: Kernel, server: ScriptedServer, cell: str, broken: str, *codes: str) -> Run:
    """Run a cell that fails, and ask for its fix."""
    assert not kernel.run(broken, cell).ok
    play(server, *codes)
    run = kernel.run("%llm_fix --no-history", f"{cell}-fix")
    assert run.ok, run.error
    return run


def verdict(run: Run) -> str:
    texts = [output["data"].get("text/plain", "") for output in run.outputs]
    (text,) = [text for text in texts if text.startswith(("Proven:", "Unproven:"))]
    return str(text)


def next_input(run: Run) -> list[str]:
    return [item["text"] for item in run.reply["payload"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.broken[:30])
def test_no_fix_that_does_not_work_is_called_proven(
    kernel: Kernel, server: ScriptedServer, cell: str, case: Failure
) -> None:
    kernel.run("%reset_selective -f ^[a-z]\\w*$")
    assert kernel.run(case.setup).ok
    state = "repr([(n, v) for n, v in sorted(globals().items()) if n[0] != '_'])"
    run = fix(kernel, server, cell, case.broken, *case.fixes)
    assert len(server.exchanges) == 3
    text, code = verdict(run), case.fixes[-1]
    if not case.is_fixed:
        assert text.startswith("Unproven:")
        assert not next_input(run)
        return
    assert text.startswith("Proven: ran in the twin in ")
    assert next_input(run) == [code]
    before = kernel.value(state)
    assert before == kernel.value(state)
    assert kernel.run(code).ok


def test_a_fix_is_shown_as_a_difference_with_its_proof(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    kernel.run("fx_prices = {'tea': 3}")
    run = fix(kernel, server, cell, "fx_total = fx_prices['tee']", "fx_total = fx_prices['tea']")
    lines = verdict(run).splitlines()
    assert lines[0].endswith("; binds `fx_total`")
    assert lines[-2:] == ["-fx_total = fx_prices['tee']", "+fx_total = fx_prices['tea']"]
    assert kernel.value("'fx_total' in globals()") is False
    assert next_input(run) == ["fx_total = fx_prices['tea']"]


def test_the_model_is_told_what_went_wrong(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    kernel.run("fw_prices = {'tea': 3}")
    good = "fw_total = fw_prices['tea']"
    fix(kernel, server, cell, "fw_total = fw_prices['tee']", "fw_total = fw_price", good)
    role, text = server.last.messages[-1]
    assert role == "user"
    assert "NameError: name 'fw_price' is not defined" in text
    assert [exchange.messages[-1][0] for exchange in server.exchanges] == ["user", "user"]


def test_what_is_not_proven_is_called_so_with_its_traceback(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    run = fix(kernel, server, cell, "fu_total = fu_missing", *["fu_total = fu_missing + 1"] * 3)
    text = verdict(run)
    assert text.startswith("Unproven: NameError: name 'fu_missing' is not defined")
    assert "Traceback (most recent call last)" in text
    assert not next_input(run)


def test_an_accepted_fix_takes_the_place_of_the_cell(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    broken, good = "fp_total = len(fp_words)", "fp_total = len('ab')"
    assert not kernel.run(broken, cell).ok
    play(server, good)
    run = kernel.run("%llm_fix --in-place --no-history", f"{cell}-fix")
    assert not next_input(run)
    assert "Run cell [" in run.printed
    taken = kernel.run(broken, cell)
    assert [(item["text"], item["replace"]) for item in taken.reply["payload"]] == [(good, True)]
    assert kernel.value("'fp_total' in globals()") is False


def test_a_fix_that_the_twin_does_not_run_is_unproven_and_still_yours(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    run = fix(kernel, server, cell, "fs_text = fs_missing", "!true\nfs_text = 'a'")
    assert verdict(run).startswith("Unproven: it was not run in the twin: it has a line for the")
    assert next_input(run) == ["!true\nfs_text = 'a'"]


def test_a_name_that_was_bound_before_must_be_bound_anew(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    kernel.run("fb_total = 5")
    hidden = "if False:\n    fb_total = fb_missing"
    run = fix(kernel, server, cell, "fb_total = fb_missing", hidden, hidden, hidden)
    assert verdict(run).startswith("Unproven: it does not bind `fb_total`")


def test_a_proof_says_what_was_not_done(kernel: Kernel, server: ScriptedServer, cell: str) -> None:
    good = "try:\n    open('fo.txt', 'w')\nexcept OSError:\n    fo_x = 2\nfo_x = 1"
    run = fix(kernel, server, cell, "fo_x = fo_y", good)
    assert "; not done there: write the file " in verdict(run).partition("\n")[0]
    assert kernel.value("__import__('os').path.exists('fo.txt')") is False


def test_a_fix_that_changes_a_module_is_not_proven(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    kernel.run("import math")
    patch = "math.squareroot = math.sqrt\nfm_root = math.squareroot(16)"
    run = fix(kernel, server, cell, "fm_root = math.squareroot(16)", patch, patch, patch)
    assert verdict(run).startswith("Unproven: it changes `math`, which the cell did not")
    assert kernel.value("hasattr(math, 'squareroot')") is False


def test_an_answer_without_code_is_asked_for_again(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    assert not kernel.run("fn_missing", cell).ok
    server.play_with(lambda exchange: Reply(answer("Just define it.", 3)))
    run = kernel.run("%llm_fix --no-history", f"{cell}-fix")
    assert len(server.exchanges) == 3
    assert verdict(run).startswith("Unproven: the answer has no code")
