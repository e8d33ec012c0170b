"""Ask the user whether a tool call may run (what is shown is what runs), or a model is asked."""

from __future__ import annotations

import sys
from types import BuiltinFunctionType

from .events import ToolCall
from .messages import ToolInvocation
from .printing import write_text
from .text import spell_out, truncate
from .tool_requests import SHOWN_CHARS, format_arguments

_NAME_CHARS = 100
"""Characters of a name that are shown: a model may ask for a tool that does not exist."""


def format_call(call: ToolCall | ToolInvocation, chars: int = SHOWN_CHARS) -> str:
    """Return a call on one line: names, and values as JSON in which all characters are visible.

    Args:
        call: the call.
        chars: see `format_arguments`.

    Example:
        >>> format_call(ToolCall("a", "weather", '{"city": "Oslo"}'))
        'weather(city="Oslo")'
    """
    name = spell_out(truncate(call.name, _NAME_CHARS))
    return f"{name}({format_arguments(call.arguments, chars)})"


_ANSWERS = {"y": True, "yes": True, "": False, "n": False, "no": False}
"""What the user may type, and whether the call then runs; Enter alone is no."""


CELL_TOOLS = frozenset(("python",))
"""The tools that the user can allow for all of a cell, and not for longer."""


def ask_user(call: ToolCall, allowed: set[str] | None = None) -> bool:
    """Ask the user at the keyboard whether a call may run; again, once, after an unclear answer.

    Of a call that is too long for the question, "a" prints all.

    Args:
        call: the call.
        allowed: receives the name of a tool of `CELL_TOOLS` if the user types "c"; None offers no
            such answer.

    Raises:
        EOFError: there is nobody to ask.
        NotImplementedError: the same, from the ``input`` of a Jupyter kernel.
    """
    _check_input()
    line, whole = format_call(call), format_call(call, sys.maxsize)
    is_of_cell = allowed is not None and call.name in CELL_TOOLS
    choices = "" if line == whole else ", a prints all"
    choices += ", c allows it for this cell" if is_of_cell else ""
    question = f"Run {line}? [y/N{choices}] "
    for prompt in (question, f"Type y or n. {question}"):
        while (answer := input(prompt).strip().lower()) == "a" and line != whole:
            write_text(f"{whole}\n")
        if answer == "c" and is_of_cell and allowed is not None:
            allowed.add(call.name)
            return True
        if answer in _ANSWERS:
            return _ANSWERS[answer]
    return False


def ask_again(reason: str) -> bool:
    """Ask the user whether the model is asked again; True where there is nobody to ask.

    Args:
        reason: why the kept answer is out of date.
    """
    question = f"The kept answer is out of date ({reason}). Ask the model again? [Y/n] "
    try:
        _check_input()
        return _ANSWERS.get(input(question).strip().lower() or "y", True)
    except (EOFError, NotImplementedError):
        return True


def _check_input() -> None:
    """Raise an error where nobody is at the keyboard.

    A kernel replaces ``input``; the built-in one would wait for, or consume, what is piped into a
    program.
    """
    if isinstance(input, BuiltinFunctionType) and not (sys.stdin and sys.stdin.isatty()):
        raise EOFError
