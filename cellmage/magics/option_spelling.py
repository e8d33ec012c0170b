"""Spell the option that a message of the core names as the user of a magic types it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..errors import CellmageError, spell_option

SPELLINGS: Mapping[str, str] = {
    "add": "%llm_index FOLDER --name NAME",
    "api": "--api NAME",
    "approve": "--auto-approve",
    "base_url": "%llm_config --base-url URL",
    "connect_timeout": "%llm_config --connect-timeout SECONDS",
    "continue_answer": "%llm --continue",
    "effort": "--effort LEVEL",
    "everywhere": "--interpolate",
    "fallback": "%llm_config --fallback A,B",
    "first_byte_timeout": "%llm_config --first-byte-timeout SECONDS",
    "fresh": "--fresh",
    "idle_timeout": "%llm_config --idle-timeout SECONDS",
    "interpolate": "--no-interpolate",
    "max_context_tokens": "%llm_config --max-context-tokens N",
    "max_context_turns": "--max-context-turns N",
    "max_tokens": "--max-tokens N",
    "model": "%llm_config --model NAME",
    "select": "--select MODEL",
    "spend_limit": "%llm_config --spend-limit DOLLARS",
    "stop_at": "--stop-at TEXT",
    "stream": "--stream or --no-stream",
    "system": "--system TEXT",
    "temperature": "--temperature T",
    "timeout": "%llm_config --timeout SECONDS",
    "watch": "--watch A,B",
}
"""What a user of the magics types for an option that a message of the core names."""


def spell(text: str, option: str | None) -> str:
    """Return a message of the core with its option spelled as the user of a magic types it."""
    return spell_option(text, option, SPELLINGS.get(option or "", f"`{option}`"))


@contextmanager
def spell_errors() -> Iterator[None]:
    """Spell the option of an error that leaves the block."""
    try:
        yield
    except CellmageError as error:
        error.args = (spell(str(error), error.option), *error.args[1:])
        raise
