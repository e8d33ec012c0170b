"""The commands of the original cellmage: each works, or one line says what replaces it."""

from __future__ import annotations

import re
from inspect import signature

import pytest

import cellmage
from cellmage import UsageError
from cellmage.magics.llm import LLMMagics
from cellmage.magics.original import (
    MAGIC_REPLACEMENTS,
    REPLACEMENTS,
    SAME_FLAGS,
)
from cellmage.magics.parsing import declared, parse

VALUES = {
    "-p": "terse", "--persona": "terse", "-m": "m", "--model": "m", "-t": "0.5",
    "--temperature": "0.5", "--max-tokens": "5", "--param": "top_p 1", "--snippet": "a",
    "--sys-snippet": "a", "--add-mapping": "a b", "--remove-mapping": "a",
    "--set-override": "top_p 1", "--remove-override": "top_p", "--save": "name", "--load": "id",
    "--adapter": "direct", "--base-dir": "dir",
}  # fmt: skip

LLM = (
    "-p --persona -m --model -t --temperature --max-tokens --no-history --no-stream --no-rollback "
    "--param --list-snippets --snippet --sys-snippet"
)

CONFIG = (
    "-p --persona --show-persona --list-personas --list-mappings --add-mapping --remove-mapping "
    "--set-override --remove-override --clear-overrides --show-overrides --clear-history "
    "--show-history --tokens --token --save --load --list-sessions --auto-save --no-auto-save "
    "--list-snippets --snippet --sys-snippet --status --model --adapter --base-dir"
)

OTHERS = "sqlite_llm sqlite github gitlab jira confluence gdocs webcontent img llm_magic"

ALL = [("llm", flag) for flag in LLM.split()] + [("llm_config", flag) for flag in CONFIG.split()]


@pytest.mark.parametrize(("magic", "flag"), ALL)
def test_every_flag_works_or_names_what_replaces_it(magic: str, flag: str) -> None:
    line = f"{flag} {VALUES.get(flag, '')}"
    function = getattr(LLMMagics, magic)
    if flag in REPLACEMENTS.get(magic, {}):
        with pytest.raises(UsageError) as caught:
            parse(function, line, takes_text=False)
        assert f"{flag} is a flag of the original cellmage; " in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    args, text = parse(function, line, takes_text=False)
    assert not text
    assert args != parse(function, "")[0]


def test_the_tables_name_what_exists() -> None:
    for magic, names in SAME_FLAGS.items():
        for theirs, ours in names.items():
            assert ours in declared[magic]._option_string_actions
            assert theirs not in declared[magic]._option_string_actions
    advice = [text for texts in REPLACEMENTS.values() for text in texts.values()]
    for text in [*advice, *MAGIC_REPLACEMENTS.values()]:
        for magic, flag in re.findall(r"%%?(llm\w*)(?: (-[-\w]+))?", text):
            assert magic in declared
            assert not flag or flag in declared[magic]._option_string_actions
        for function, parameters in re.findall(r"cellmage\.(\w+)\(([^)]*)\)", text):
            assert parameters.split(", ") == [*signature(getattr(cellmage, function)).parameters]


def test_every_magic_has_a_line() -> None:
    assert set(MAGIC_REPLACEMENTS) == set(OTHERS.split())
