"""``--help`` and ``%%llm?``, and the tables of the docs beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cellmage.magics.help_text import EXAMPLES, format_help
from cellmage.magics.llm import LLMMagics
from cellmage.magics.parsing import declared, parse
from cellmage.magics.settings import Settings

ROOT = Path(__file__).parents[2]


def flags(name: str) -> set[str]:
    return {flag for flag in declared[name]._option_string_actions if flag.startswith("--")}


def test_every_magic_has_examples() -> None:
    assert set(EXAMPLES) == set(declared)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_come_first_and_lines_are_short(name: str) -> None:
    text = format_help(declared[name])
    assert getattr(LLMMagics, name).__doc__ == text
    assert max(map(len, text.splitlines())) < 80
    assert text.index("Examples:") < text.index("  -h, --help")
    assert len(EXAMPLES[name]) == 3
    for flag in flags(name):
        assert f"{flag} " in text or f"{flag}\n" in text or f"{flag}," in text


@pytest.mark.parametrize(
    ("name", "example"), [(name, text) for name, texts in EXAMPLES.items() for text in texts]
)
def test_examples_can_be_typed(name: str, example: str) -> None:
    line, _, body = example.partition("\n")
    magic, _, rest = line.rpartition("= ")[2].partition(" ")
    assert magic.strip("%?") == name
    assert (magic.startswith("%%")) == bool(body)
    takers = (
        "llm",
        "llm_index",
        "llm_compare",
        "llm_ambient",
        "llm_fix",
        "llm_edit",
        "llm_upgrade",
    )
    takes_text = name in takers and (not body or name == "llm_edit") and bool(rest)
    args, text = parse(getattr(LLMMagics, name), rest, takes_text=takes_text)
    assert bool(text) == takes_text
    assert args


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_flag_shows_the_name_of_python(name: str) -> None:
    """A value has a plain name: MODEL or N, and not STOP_AT."""
    values = re.findall(r"^  -.*? ([A-Z_]{2,})", format_help(declared[name]), re.MULTILINE)
    assert not [value for value in values if "_" in value]


@pytest.mark.parametrize("name", ["llm", "llm_config", "llm_history"])
def test_the_docs_have_every_flag(name: str) -> None:
    docs = (ROOT / "docs/flags.md").read_text() + (ROOT / "docs/conversation.md").read_text()
    assert flags(name) - set(re.findall(r"--[a-z-]+", docs)) == {"--help"} - set(
        re.findall(r"--[a-z-]+", docs)
    )


def test_defaults_are_those_of_the_settings() -> None:
    defaults = {
        action.dest: found[1]
        for action in declared["llm_config"]._actions
        if (found := re.search(r"Default: (\w+)\.$", action.help or ""))
    }
    traits = Settings.class_traits(config=True)
    for name, text in defaults.items():
        if name in traits and text != "none" and traits[name].default_value is not None:
            assert str(traits[name].default_value).removesuffix(".0") == text, name
    assert {"timeout", "idle_timeout", "store", "resume", "collapse"} <= set(defaults)
