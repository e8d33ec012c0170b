from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.magics.llm import LLMMagics
from cellmage.magics.parsing import parse, parse_flags
from cellmage.magics.words import BLANK

VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\"'\n\r"))


@given(VALUES, st.sampled_from("\"'"))
def test_any_quoted_value_means_itself(value: str, quote: str) -> None:
    for flag in ("-s ", "--system ", "--system="):
        args, text = parse(LLMMagics.llm, f"{flag}{quote}{value}{quote} -t 1 the prompt")
        assert (args.system, args.temperature, text) == (value, 1, "the prompt")


@given(st.text(st.characters(exclude_characters="\n\r")))
def test_any_text_after_two_dashes_is_the_prompt(text: str) -> None:
    args, prompt = parse(LLMMagics.llm, f"--stream -- {text}")
    # Before a prompt, what nobody sees is dropped: it comes with pasted text.
    assert prompt == re.sub(rf"\A{BLANK}+", "", text).rstrip()
    assert args.stream is True


def test_unset_is_none() -> None:
    args, _ = parse(LLMMagics.llm, "")
    unset = {name for name, value in vars(args).items() if value is None}
    assert unset == {
        "model", "temperature", "effort", "api", "max_tokens", "system", "persona", "param",
        "stream", "stats", "repair",
        "out", "chat", "max_context_turns", "stop_at", "watch", "schema", "rag", "tool",
        "compare", "select", "on_error", "interpolate", "data", "attach",
        "snippet", "sys_snippet", "set", "cells", "code", "each", "keep", "follow",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("-mgpt", "model", "gpt"),
        ("--model=a/b", "model", "a/b"),
        ("--no-stream", "stream", False),
        ("-s #hash", "system", "#hash"),
        ("-s a\\nb", "system", "a\\nb"),
        ("-s ''", "system", ""),
        ("--param a 1 --param b x", "param", [["a", "1"], ["b", "x"]]),
        ("--param seed -1", "param", [["seed", "-1"]]),
        ("-s -1", "system", "-1"),
        ("-s --stream", "system", "--stream"),
    ],
)
def test_values(line: str, name: str, value: object) -> None:
    args, text = parse(LLMMagics.llm, line)
    assert getattr(args, name) == value
    assert text == ""


@pytest.mark.parametrize("line", ["--undo", "--undo 3", "--undo --chat x"])
def test_an_optional_value(line: str) -> None:
    args = parse_flags(LLMMagics.llm_history, line)
    assert args.undo == (3 if "3" in line else 1)


@pytest.mark.parametrize(
    ("line", "value"), [("", None), ("--resume", ""), ("--resume old/a.ipynb", "old/a.ipynb")]
)
def test_resume_takes_a_notebook_or_nothing(line: str, value: str | None) -> None:
    assert parse_flags(LLMMagics.llm_history, line).resume == value


@pytest.mark.parametrize("flag", ["--append", "--no-rollback"])
def test_two_spellings_of_one_flag(flag: str) -> None:
    assert parse(LLMMagics.llm, f"{flag} hi")[0].append is True


@pytest.mark.parametrize("line", ["--yes-tools", "--raw", "--attempts 1", "--from a", "--full"])
def test_old_spellings_are_gone(line: str) -> None:
    for magic in (LLMMagics.llm, LLMMagics.llm_history):
        with pytest.raises(UsageError, match="there is no flag"):
            parse(magic, line)


@pytest.mark.parametrize("line", ["--mod x", "--strea", "-x", "--", "--no-temperature"])
def test_flags_are_never_abbreviated(line: str) -> None:
    if line == "--":
        assert parse(LLMMagics.llm, line)[1] == ""
    else:
        with pytest.raises(UsageError, match="there is no flag"):
            parse(LLMMagics.llm, line)
