"""Correct an answer: ``%llm_history --edit N`` opens a cell, and running it replaces the answer."""

from __future__ import annotations

from argparse import Namespace

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.history import History
from ..errors import UsageError


def open_answer(shell: InteractiveShell, history: History, args: Namespace) -> str:
    """Put the answer of a turn into a new cell, and return a line about it.

    Raises:
        UsageError: the turn does not exist.
    """
    turn = history.turn(args.edit)
    flags = f" --chat {args.chat!r}" if args.chat else ""
    shell.set_next_input(f"%%llm_edit{flags} {args.edit}\n{turn.response.final_text}")
    return f"The answer of turn {args.edit} is in a new cell: change it there, and run the cell."


def replace_answer(history: History, number: str, text: str) -> str:
    """Replace the answer of a turn, and return a line about it.

    Raises:
        UsageError: the number is none, the turn does not exist, or the text is empty.
    """
    if not number.isdecimal():
        raise UsageError("%%llm_edit N: give the number of a turn, as %llm_history lists them")
    text = text.removesuffix("\n")
    if not text.strip():
        raise UsageError(f"the answer is empty; %llm_history --drop {number} drops the turn")
    if text == history.turn(int(number)).response.final_text:
        return f"The answer of turn {number} is unchanged."
    history.edit(int(number), text)
    return f"Replaced the answer of turn {number}; %llm_history --versions {number} lists the old."
