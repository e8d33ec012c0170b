"""Parse the line of a magic: flags first, then the text after them, unchanged."""

from __future__ import annotations

import io
import json
import shlex
from argparse import Action, Namespace
from typing import Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic_arguments import MagicArgumentParser

from ..errors import UsageError

_KEY_FLAGS = {"--api-key", "--apikey", "--key", "--token"}
"""Flags by which a user may try to give an API key; they are refused with a hint."""


def parse(magic: Any, line: str, sign: str = "%") -> tuple[Namespace, str]:
    """Split a line into its flags and the text after them.

    ``--`` ends the flags. Values may be quoted; backslashes and ``#`` mean themselves. A flag that
    is not on the line is None.

    Args:
        magic: a method declared with IPython's ``magic_arguments``.
        line: the text after the magic's name.
        sign: ``%`` or ``%%``, for the messages.

    Returns:
        the flags, and the text as it was typed, without spaces around it.

    Raises:
        UsageError: a flag is unknown, a value is missing or wrong, or a quote is not closed.
    """
    parser: MagicArgumentParser = magic.parser
    parser.allow_abbrev = False
    name = sign + parser.prog
    words, pairs, text = _split(parser, name, line)
    try:
        args = parser.parse_args(words)
    except IPythonUsageError as error:
        message = str(error).removeprefix("argument ")
        raise UsageError(f"{name}: {message}; {name} --help lists the flags") from None
    vars(args).update(pairs)
    return args, text


def parse_flags(magic: Any, line: str) -> Namespace:
    """Parse the line of a magic that takes flags only.

    Raises:
        UsageError: as for `parse`, or there is text after the flags.
    """
    args, text = parse(magic, line)
    if text:
        name = f"%{magic.parser.prog}"
        raise UsageError(f"{name} takes flags only, not {text[:40]!r}; {name} --help lists them")
    return args


def help_text(magic: Any) -> str:
    """Return the text that ``--help`` prints."""
    text: str = magic.parser.format_help()
    return text.removeprefix("::\n\n").strip()


def _split(
    parser: MagicArgumentParser, name: str, line: str
) -> tuple[list[str], dict[str, list[list[str]]], str]:
    """Return the words for `argparse`, the flags with two values, and the text after all flags."""
    words: list[str] = []
    pairs: dict[str, list[list[str]]] = {}
    lexer = _Lexer(line)
    while lexer.remainder().startswith("-"):
        word = lexer.next_word(name)
        if word == "--":
            break
        action, has_value = _find_action(parser, name, word)
        count = 0 if has_value else _value_count(action, lexer)
        values = [lexer.next_word(name) for _ in range(count)]
        # Never as words of their own: argparse takes a value like -1 or --- for a flag.
        if len(values) == 2:
            pairs.setdefault(action.dest, []).append(values)
        else:
            words.append("=".join([action.option_strings[-1], *values]) if values else word)
    return words, pairs, lexer.remainder()


class _Lexer:
    """Words of a line one by one, and the remainder as it was typed: it may hold lone quotes."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._stream = io.StringIO(line)
        self._lexer = shlex.shlex(self._stream, posix=True)
        self._lexer.whitespace_split = True
        self._lexer.commenters = self._lexer.escape = ""

    def remainder(self) -> str:
        """Return the text that is not read yet."""
        return self._line[self._stream.tell() :].strip()

    def next_word(self, name: str) -> str:
        """Read a word; the name of the magic is for the messages."""
        remainder = self.remainder()
        try:
            word = self._lexer.get_token()
        except ValueError:
            raise UsageError(f"{name}: a quote is not closed in: {remainder[:40]}") from None
        if word is None:
            raise UsageError(f"{name}: a value is missing at the end of the line")
        return word


def _find_action(parser: MagicArgumentParser, name: str, word: str) -> tuple[Action, bool]:
    """Return the flag of a word that begins with a dash, and whether the word has its value."""
    actions = parser._option_string_actions
    long, equals, _ = word.partition("=")
    if word.startswith("--") and long in actions:
        return actions[long], bool(equals)
    if word[:2] in actions and not word.startswith("--"):
        return actions[word[:2]], len(word) > 2
    if long in _KEY_FLAGS:
        raise UsageError(
            f"{name}: a key does not belong in a notebook, which saves it; set OPENAI_API_KEY, or "
            "the variable of your provider, before Jupyter starts"
        )
    raise UsageError(
        f"{name}: there is no flag {long}; {name} --help lists the flags, and -- ends them"
    )


def _value_count(action: Action, lexer: _Lexer) -> int:
    """Return how many words after a flag are its values."""
    if action.nargs == "?":
        return int(bool(lexer.remainder()) and not lexer.remainder().startswith("-"))
    return 1 if action.nargs is None else int(action.nargs)


# The types of values. argparse prints the name of the function in "invalid boolean value".


def boolean(word: str) -> bool:
    """Parse True or False, as people write it.

    Raises:
        ValueError: the word is neither.
    """
    values = {"true": True, "yes": True, "on": True, "1": True}
    values |= {"false": False, "no": False, "off": False, "0": False}
    if word.lower() not in values:
        raise ValueError(word)
    return values[word.lower()]


def comma_list(text: str) -> list[str]:
    """Split a text at its commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def host_list(text: str) -> list[str]:
    """Split host names at their commas, in lower case."""
    return comma_list(text.lower())


def parse_params(pairs: list[list[str]] | None) -> dict[str, Any]:
    """Return ``--param KEY VALUE`` pairs as a dict; a value that is JSON is parsed."""
    return {key: _json_or_text(value) for key, value in pairs or []}


def _json_or_text(value: str) -> Any:
    try:
        # JSON has no NaN and no Infinity: they are text, and the provider's to judge.
        return json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
