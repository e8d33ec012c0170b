"""Cells as people type and paste them: what is plainly meant works, else a line says what to type.

The magics of tests/data/reports.json are here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer, answer
from tests.kernel.client import Kernel

REPORTS = json.loads((Path(__file__).parents[1] / "data/reports.json").read_text())["cases"]
MAGICS = [case["input"] for case in REPORTS if case["kind"] == "magics"]


# The cell, the prompt that is sent, and the model or the system prompt of the request.
MEANT = [
    ("%%llm\t--model gpt-x\nhello", "hello", "gpt-x"),
    ("%%llm\u00a0--model\u00a0gpt-x\nhello\u00a0there", "hello\u00a0there", "gpt-x"),
    ("%%llm\u3000\u202f-m\u3000gpt-x\nhello", "hello", "gpt-x"),
    ("\ufeff%%llm\u200b -m gpt-x\nhello", "hello", "gpt-x"),
    ("\uff05\uff05llm\u3000-m gpt-x\n\uff05llm\u3000x", "\uff05llm\u3000x", "gpt-x"),
    ("%llm\u00a0-m\u00a0gpt-x hello\u00a0there", "hello\u00a0there", "gpt-x"),
    ("n = 1\n%llm\thello", "hello", ""),
    ("n = 1\n%%llm\u00a0-m gpt-x\nhello", "hello", "gpt-x"),
    ("%llm \u2014model gpt-x hello", "hello", "gpt-x"),
    ("%llm \u2013m gpt-x \u2014 hello", "\u2014 hello", "gpt-x"),
    (
        "%%llm \u2014system=\u201cBe brief\u201d\n\u201chi\u201d \u2014",
        "\u201chi\u201d \u2014",
        "Be brief",
    ),
    ("%llm --system \u201cBe brief\u201d hello", "hello", "Be brief"),
    ("%%llm --system \u00abSois bref\u00bb\nhello", "hello", "Sois bref"),
    ("%llm -s it\u2019s hello", "hello", "it\u2019s"),
    ("```ipython\n%%llm -m gpt-x\nhello\n```", "hello", "gpt-x"),
    ("```\n%llm hello\n```\n", "hello", ""),
    ("%%llm\n```\nhello {{ n }}\n```", "```\nhello {{ n }}\n```", ""),
]


@pytest.mark.parametrize(("cell", "prompt", "value"), MEANT)
def test_is_taken_as_meant(
    kernel: Kernel, server: ScriptedServer, cell: str, prompt: str, value: str
) -> None:
    run = kernel.run(cell)
    assert run.ok, run.error
    assert server.last.messages[-1] == ("user", prompt)
    system = "".join(text for role, text in server.last.messages if role == "system")
    assert value in (server.last.body["model"], system) or not value


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%llm --temprature 1\nhi", "there is no flag --temprature; did you mean --temperature?"),
        ("%%llm --max_tokens 9\nhi", "did you mean --max-tokens?"),
        ("%llm -model gpt-x hi", "there is no flag -model; did you mean --model?"),
        ("%%llm \u2014modell gpt-x\nhi", "did you mean --model?"),
        ("%llm_history --serch x", "did you mean --search?"),
        ("%%llm --base-url http://localhost\nhi", "it is a flag of %llm_config"),
        ("%llm", "did you mean %%llm"),
        ("%llm -m gpt-x", "did you mean %%llm"),
        ("%llm\nExplain gradient descent.", "did you mean %%llm?"),
        ("%llm -m gpt-x\nExplain it:\n\n  - first\n", "did you mean %%llm?"),
        ("%llm Explain this:\nThe quick brown fox", "did you mean %%llm?"),
        ("%%llm --system You are brief\nhi", 'Quote a value with blanks: --system "You are brief"'),
        ("%llm_config -s You are brief -t 1", 'Quote a value with blanks: -s "You are brief"'),
        ("%llm_history --chat my chat", 'Quote a value with blanks: --chat "my chat"'),
        ("%%llm --model\nhi", "a value is missing after --model"),
        ("%llm_config --temperature 1 --model", "a value is missing after --model"),
        ("%%llm --param top_p\nhi", "a value is missing after --param top_p"),
        ("%%llm -s \u201copen\nhi", "a quote is not closed in: \u201copen"),
        ("%llm_index it's", "a quote is not closed"),
    ],
)
def test_says_what_to_type(kernel: Kernel, server: ScriptedServer, cell: str, message: str) -> None:
    run = kernel.run(cell)
    assert run.reply["ename"] == "UsageError", run.reply
    assert message in run.error
    assert "\n" not in run.error
    assert not server.exchanges


def test_python_below_a_line_magic_runs(kernel: Kernel, server: ScriptedServer) -> None:
    assert kernel.run("%llm hi\nn = 3\n%llm and \\\nmore\nif n:\n    %llm {{ n }}?").ok
    assert [exchange.messages[-1][1] for exchange in server.exchanges] == ["hi", "and  more", "3?"]


@pytest.mark.parametrize(
    "cell",
    [
        "%%llm --chat {}\nhi",
        "%llm_history --new {}",
        "%llm_history --chat {}",
        "%llm_history --export {}",
        "%llm_history --import {}",
        "%llm_history --restore {}",
        "%%llm -p {}\nhi",
        "%llm_config -p {}",
        "%llm_config --remove-param {}",
        "%%llm --tool {}\nhi",
        "%%llm --rag {}\nhi",
        "%%llm --schema {}\nhi",
        "%%llm --select {}\nhi",
        "%%llm --compare a,b --select {}\nhi",
        "%%llm --out {}=\nhi",
        "%%llm --on-error {}\nhi",
        "%%llm -t {}\nhi",
        "%%llm --{}\nhi",
        "%%llm {}\nhi",
        "%llm_config --store {}",
        "%llm_config --base-url ftp://{}",
        "%%llm -m offline/{}\nhi",
    ],
)
def test_a_long_name_is_not_repeated_whole(
    kernel: Kernel, server: ScriptedServer, cell: str
) -> None:
    run = kernel.run(cell.format("x" * 5000))
    assert not run.ok
    assert len(run.error) < 600
    assert "\n" not in run.error
    assert not server.exchanges


def test_the_text_is_the_value_of_the_line(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer("Hello there"))
    run = kernel.run(
        "text = %llm What is it?\ndef ask(n):\n    a = %llm {{ n }} (what)?\n    return a"
    )
    assert run.ok, run.error
    assert kernel.value("(text, text.upper(), ask(3))") == (
        "Hello there",
        "HELLO THERE",
        "Hello there",
    )
    assert [exchange.messages[-1][1] for exchange in server.exchanges] == [
        "What is it?",
        "3 (what)?",
    ]
    server.play(*answer('{"a": 1}'))
    kernel.run("value = %llm --json A record")
    assert kernel.value("value") == {"a": 1}
    for code in ("%llm hi", "%%llm\nhi", "n = 1\n%llm hi"):
        assert not kernel.run(code).of_type("execute_result")


def test_every_report_is_here() -> None:
    """Each is named by a part of its input."""
    tests = Path(__file__).read_text() + Path(__file__).with_name("test_prompts.py").read_text()
    tests += (Path(__file__).parents[1] / "prompt/test_interpolation.py").read_text()
    parts = ["Explain {{ user.name }} in Jinja", r"\frac{{a}}", "model gpt-x hello"]
    for report, part in zip(MAGICS, parts, strict=True):
        assert part in report
        assert part in tests


def test_an_assignment_is_quiet_and_has_the_whole_texts(offline: Kernel) -> None:
    question = "Is it so? " * 60
    offline.run(f"%%llm -m offline/echo\n{question}")
    run = offline.run("turns = %llm_history")
    assert (run.ok, run.printed, run.listings) == (True, "", [])
    assert offline.value("turns[-1]['question']").split() == question.split()
    assert len(offline.run("%llm_history").printed.splitlines()[1]) < 100
    assert offline.run("rows = %llm_config").printed == ""
