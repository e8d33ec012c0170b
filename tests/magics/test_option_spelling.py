"""The option that a message of the core names, as the user of a magic types it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from cellmage import Options, UsageError
from cellmage.magics.llm import LLMMagics
from cellmage.magics.option_spelling import SPELLINGS, spell, spell_errors


def test_an_error_names_the_flag() -> None:
    message = r"^no text; %llm_config --timeout SECONDS allows more$"
    with pytest.raises(UsageError, match=message), spell_errors():
        raise UsageError("no text; `timeout` allows more", option="timeout")


def test_a_name_without_a_flag_stays() -> None:
    assert spell("`on_event` is late", "on_event") == "`on_event` is late"
    assert spell("nothing is named", None) == "nothing is named"


@pytest.mark.parametrize("spelling", SPELLINGS.values())
def test_every_flag_in_the_table_exists(spelling: str) -> None:
    first, *others = spelling.split()
    magic = getattr(LLMMagics, first.removeprefix("%") if first.startswith("%") else "llm")
    words = [word for word in (first, *others) if word.startswith("--")]
    assert words
    assert set(words) <= set(magic.parser._option_string_actions)


def test_every_option_has_a_flag() -> None:
    assert {field.name for field in fields(Options)} - {"extra_body", "droppable"} <= set(SPELLINGS)
