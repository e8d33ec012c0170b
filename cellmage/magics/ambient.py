"""Ambient mode: a cell without a magic is a prompt. ``%%py`` is a cell of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..display.select import parent_message

AMBIENT_NOTICE = "Ambient mode is on: cells without a magic are prompts. %llm_ambient off ends it."

_PYTHON_LINE = re.compile(r"%%py[ \t]*(#.*)?$")
_SIGNS = ("%", "!", "?")
"""The beginnings of cells that are no prompt."""


class AmbientTransformer:
    """Replaces a cell by a prompt while ambient mode is on, and removes ``%%py`` at any time.

    Only what a user runs is replaced: not what the page runs in the background, a completion, or
    a cell that other code runs.

    Args:
        shell: where the cells run.

    Attributes:
        is_on: whether ambient mode is on.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._depth = 0
        self.is_on = False

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a cell, transformed."""
        first = next((index for index, line in enumerate(lines) if line.strip()), None)
        if first is None:
            return lines
        if _PYTHON_LINE.match(lines[first].rstrip()):
            body = lines[first + 1 :]
            has_magic = bool(body) and body[0].startswith("%%")
            # A comment in its place: the lines of a traceback keep their numbers.
            return body if has_magic else [*lines[:first], "# %%py\n", *body]
        if not self.is_prompt("".join(lines)):
            return lines
        text = "".join(lines).removesuffix("\n")
        return [f"get_ipython().run_cell_magic('llm', '', {text!r})\n"]

    def is_prompt(self, cell: str) -> bool:
        """Return whether a cell is a prompt that has no magic."""
        if not self.is_on or not cell.strip() or cell.lstrip().startswith(_SIGNS):
            return False
        message = parent_message(self._shell)
        return _is_run_by_user(message, cell) if message else not self._depth

    def before_run(self) -> None:
        """Count the cells that run: a cell inside of another one is code that runs code."""
        self._depth += 1

    def after_run(self) -> None:
        """Count back."""
        self._depth = max(0, self._depth - 1)


def _is_run_by_user(message: Mapping[str, Any], cell: str) -> bool:
    """Return whether a message asks to run this cell for the user, or asks if it is complete."""
    kind, content = message["header"]["msg_type"], message["content"]
    if kind == "is_complete_request":
        return True
    is_quiet = content.get("silent") or content.get("store_history") is False
    is_same = content.get("code", "").rstrip("\n") == cell.rstrip("\n")
    return kind == "execute_request" and not is_quiet and is_same


def is_ambient(shell: InteractiveShell, code: str) -> bool:
    """Return whether ambient mode made a prompt of the running cell.

    Args:
        shell: where the cell runs.
        code: its text as the front end sent it; empty in a terminal, where the mode counts.
    """
    transformer = find(shell)
    if transformer is None:
        return False
    return transformer.is_prompt(code) if parent_message(shell) else transformer.is_on


def install(shell: InteractiveShell) -> AmbientTransformer:
    """Add the transformer, ahead of all others; one that is there stays as it is."""
    found = find(shell)
    if found is not None:
        shell.input_transformers_cleanup.remove(found)
    transformer = found or AmbientTransformer(shell)
    shell.input_transformers_cleanup.insert(0, transformer)
    if found is None:
        shell.events.register("pre_execute", transformer.before_run)
        shell.events.register("post_execute", transformer.after_run)
    return transformer


def remove(shell: InteractiveShell) -> None:
    """Remove the transformer."""
    if transformer := find(shell):
        shell.input_transformers_cleanup.remove(transformer)
        shell.events.unregister("pre_execute", transformer.before_run)
        shell.events.unregister("post_execute", transformer.after_run)


def find(shell: InteractiveShell) -> AmbientTransformer | None:
    """Return the transformer of a shell; None if there is none."""
    items = shell.input_transformers_cleanup
    return next((item for item in items if isinstance(item, AmbientTransformer)), None)
