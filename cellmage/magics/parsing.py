"""Parse the line of a magic: flags first, then the text after them, unchanged."""

from __future__ import annotations

from argparse import Action, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic_arguments import MagicArgumentParser

from ..errors import UsageError
from ..text import excerpt
from .original import replacement, same_flag
from .words import Words, has_dash, plain_dashes

_KEY_FLAGS = {"--api-key", "--apikey", "--key", "--token"}
"""Flags by which a user may try to give an API key; they are refused with a hint."""

_MESSAGE_CHARS = 200
"""The longest message of argparse, which repeats what the user typed."""

_CLOSENESS = 0.6
"""How much a word must have in common with a flag that is suggested, from 0 to 1."""

_CLOSENESS_OF_ODD = 0.8
"""The same for one dash, since ``-mgpt`` is a value of ``-m`` and ``-modle`` is not, and for dashes
of word processors, with which a prompt may begin."""

declared: dict[str, MagicArgumentParser] = {}
"""The parsers of all magics, by their names; `declare` adds them."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The parts of a line.

    Args:
        words: the flags with their values, for argparse.
        pairs: the values of the flags that take two.
        text: the text after all flags.
        open_value: the last flag with the first word of its value, if the value is free text and
            the text may belong to it; else empty.
    """

    words: list[str]
    pairs: dict[str, list[list[str]]]
    text: str
    open_value: str


def parse(magic: Any, line: str, sign: str = "%", takes_text: bool = True) -> tuple[Namespace, str]:
    """Split a line into its flags and the text after them.

    ``--`` ends the flags. Values may be quoted; backslashes and ``#`` mean themselves. A flag that
    is not on the line is None. Dashes and quotes of word processors are read as flags and quotes.

    Args:
        magic: a method declared with IPython's ``magic_arguments``.
        line: the text after the magic's name.
        sign: ``%`` or ``%%``, for the messages.
        takes_text: False refuses text after the flags.

    Returns:
        the flags, and the text as it was typed, without spaces around it.

    Raises:
        UsageError: a flag is unknown, a value is missing or wrong, a quote is not closed, or there
            is text where none is taken.
    """
    parser: MagicArgumentParser = magic.parser
    parser.allow_abbrev = False
    name = sign + parser.prog
    try:
        parts = _split(parser, line)
        args = parser.parse_args(parts.words)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    except IPythonUsageError as error:
        message = excerpt(str(error).removeprefix("argument "), _MESSAGE_CHARS)
        raise UsageError(f"{name}: {message}; {name} --help lists the flags") from None
    if parts.text and not takes_text and not args.help:
        raise UsageError(_text_problem(name, parts))
    vars(args).update(parts.pairs)
    return args, parts.text


def parse_flags(magic: Any, line: str) -> Namespace:
    """Parse the line of a magic that takes flags only.

    Raises:
        UsageError: as for `parse`.
    """
    return parse(magic, line, takes_text=False)[0]


def _text_problem(name: str, parts: _Line) -> str:
    """Return the message about text where none is taken."""
    text = repr(excerpt(parts.text, 40))
    problem = (
        f"put the prompt below the {name} line, not on it: {text}"
        if name.startswith("%%")
        else f"{name} takes flags only, not {text}; {name} --help lists them"
    )
    if not parts.open_value:
        return problem
    words = parts.text.partition(" -")[0]
    flag, _, value = parts.open_value.partition(" ")
    return f'{problem}. Quote a value with blanks: {flag} "{excerpt(f"{value} {words}", 40)}"'


def _split(parser: MagicArgumentParser, line: str) -> _Line:
    words: list[str] = []
    pairs: dict[str, list[list[str]]] = {}
    lexer, open_value = Words(line), ""
    while _begins_flag(parser, lexer.peek()):
        word = same_flag(parser.prog, plain_dashes(lexer.next_word()))
        if word == "--":
            break
        action, has_value = _find_action(parser, word)
        values = [] if has_value else _read_values(lexer, action, word)
        # Never as words of their own: argparse takes a value like -1 or --- for a flag.
        if len(values) == 2:
            pairs.setdefault(action.dest, []).append(values)
        else:
            words.append("=".join([action.option_strings[-1], *values]) if values else word)
        is_text = action.type is None and not action.choices
        open_value = " ".join([word, *values]) if values and is_text else ""
    return _Line(words, pairs, lexer.remainder(), open_value)


def _begins_flag(parser: MagicArgumentParser, word: str) -> bool:
    """Return whether a word is meant as a flag, and not as the first of the prompt.

    A dash of a word processor begins a flag only if there is such a flag, or nearly: prompts begin
    with dashes, too.
    """
    if word.startswith("-"):
        return True
    if not has_dash(word):
        return False
    flag = plain_dashes(word).partition("=")[0]
    options = parser._option_string_actions
    return flag in options or bool(_nearest(flag, options, _CLOSENESS_OF_ODD))


def _read_values(lexer: Words, action: Action, word: str) -> list[str]:
    """Read the words after a flag that are its values."""
    if action.nargs == "?":
        word_after = lexer.peek() if lexer.remainder() else ""
        # A word that is no value begins the prompt.
        is_value = action.choices is None or word_after in action.choices
        return [lexer.next_word()] if word_after and word_after[0] != "-" and is_value else []
    values: list[str] = []
    for _ in range(1 if action.nargs is None else int(action.nargs)):
        if not lexer.remainder():
            raise UsageError(f"a value is missing after {' '.join([word, *values])}")
        values.append(lexer.next_word())
    return values


def _find_action(parser: MagicArgumentParser, word: str) -> tuple[Action, bool]:
    """Return the flag of a word that begins with a dash, and whether the word has its value."""
    actions = parser._option_string_actions
    long, equals, _ = word.partition("=")
    if word.startswith("--") and long in actions:
        return actions[long], bool(equals)
    nearest = _nearest_of_short(long, actions)
    if word[:2] in actions and not word.startswith("--") and not nearest:
        return actions[word[:2]], len(word) > 2
    if advice := replacement(parser.prog, long):
        raise UsageError(f"{excerpt(long)} is a flag of the original cellmage; {advice}")
    if long in _KEY_FLAGS:
        raise UsageError(
            "a key does not belong in a notebook, which saves it; set OPENAI_API_KEY, or "
            "the variable of your provider, before Jupyter starts"
        )
    raise UsageError(
        f"there is no flag {excerpt(long)}; {_advice(long, nearest or _nearest(long, actions))}"
        "--help lists the flags, and -- ends them"
    )


def _advice(word: str, nearest: str) -> str:
    """Return what to type in place of an unknown flag; empty if nothing is like it."""
    parsers = declared.items()
    others = [f"%{name}" for name, parser in parsers if word in parser._option_string_actions]
    if others:
        return f"it is a flag of {' and '.join(others)}; "
    return f"did you mean {nearest}? " if nearest else ""


def _nearest_of_short(word: str, flags: Iterable[str]) -> str:
    """Return the flag of two dashes that a word with one dash nearly is, such as ``-model``."""
    is_long = len(word) > 2 and not word.startswith("--")
    return _nearest(f"-{word}", flags, _CLOSENESS_OF_ODD) if is_long else ""


def _nearest(word: str, flags: Iterable[str], closeness: float = _CLOSENESS) -> str:
    """Return the flag that a word nearly is; empty if there is none."""
    typed = word.lower().replace("_", "-")[:100]
    long = sorted(flag for flag in flags if flag.startswith("--"))
    begun = [flag for flag in long if len(typed) > 3 and flag.startswith(typed)]
    return next(iter(begun or get_close_matches(typed, long, 1, closeness)), "")
