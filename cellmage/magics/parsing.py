"""A magic's line: flags first, then the raw rest."""

from __future__ import annotations

import io
import json
import shlex
from argparse import Action, Namespace
from typing import Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic_arguments import MagicArgumentParser

from ..errors import UsageError


def parse(magic: Any, line: str, sign: str = "%") -> tuple[Namespace, str]:
    """The flags of a line, and the text behind them, as it stands.

    ``--`` ends the flags. Values may be quoted; backslashes and ``#`` mean themselves. A flag that
    is not given is None.

    Args:
        magic: a method declared with IPython's ``magic_arguments``.
        line: what follows the magic's name.
        sign: ``%`` or ``%%``, for the messages.

    Raises:
        UsageError: a flag is unknown, a value is missing or wrong, or a quote is not closed.
    """
    parser: MagicArgumentParser = magic.parser
    parser.allow_abbrev = False
    name = sign + parser.prog
    words, pairs, rest = _split(parser, name, line)
    try:
        args = parser.parse_args(words)
        vars(args).update(pairs)
        return args, rest
    except IPythonUsageError as error:
        message = str(error)
    raise UsageError(f"{name}: {message.removeprefix('argument ')}; {name} --help lists the flags")


def _split(
    parser: MagicArgumentParser, name: str, line: str
) -> tuple[list[str], dict[str, list[list[str]]], str]:
    """The words for `argparse`, the flags that take two words, and the rest of the line."""
    words: list[str] = []
    pairs: dict[str, list[list[str]]] = {}
    reader = _Words(line)
    while reader.rest().startswith("-"):
        flag = reader.word(name)
        if flag == "--":
            break
        action, has_value = _action(parser, name, flag)
        values = [] if has_value else [reader.word(name) for _ in range(_count(action, reader))]
        # Never as words of their own: argparse takes a value like -1 or --- for a flag.
        if len(values) == 2:
            pairs.setdefault(action.dest, []).append(values)
        else:
            words.append("=".join([action.option_strings[-1], *values]) if values else flag)
    return words, pairs, reader.rest()


class _Words:
    """Words of a line one by one, and at any time the raw rest: it may hold lone quotes."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._stream = io.StringIO(line)
        self._lexer = shlex.shlex(self._stream, posix=True)
        self._lexer.whitespace_split = True
        self._lexer.commenters = self._lexer.escape = ""

    def rest(self) -> str:
        return self._line[self._stream.tell() :].strip()

    def word(self, name: str) -> str:
        at = self.rest()
        try:
            word = self._lexer.get_token()
        except ValueError:
            word = None
        else:
            if word is None:
                raise UsageError(f"{name}: a value is missing at the end of the line")
            return word
        raise UsageError(f"{name}: a quote is not closed in: {at[:40]}")


def _action(parser: MagicArgumentParser, name: str, flag: str) -> tuple[Action, bool]:
    """What a word that begins with a dash stands for, and whether it holds its value."""
    actions = parser._option_string_actions
    long, equals, _ = flag.partition("=")
    if flag.startswith("--") and long in actions:
        return actions[long], bool(equals)
    if flag[:2] in actions and not flag.startswith("--"):
        return actions[flag[:2]], len(flag) > 2
    if long in _KEY_FLAGS:
        raise UsageError(
            f"{name}: a key does not belong in a notebook, which keeps it; set OPENAI_API_KEY, or "
            "the variable of your provider, before Jupyter starts"
        )
    raise UsageError(
        f"{name}: there is no flag {long}; {name} --help lists the flags, and -- ends them"
    )


_KEY_FLAGS = {"--api-key", "--apikey", "--key", "--token"}


def _count(action: Action, reader: _Words) -> int:
    """How many words belong to a flag."""
    if action.nargs == "?":
        return int(bool(reader.rest()) and not reader.rest().startswith("-"))
    return 1 if action.nargs is None else int(action.nargs)


def parse_flags(magic: Any, line: str) -> Namespace:
    """As `parse`, for a magic that takes flags only."""
    args, rest = parse(magic, line)
    if rest:
        name = f"%{magic.parser.prog}"
        raise UsageError(f"{name} takes flags only, not {rest[:40]!r}; {name} --help lists them")
    return args


def help_text(magic: Any) -> str:
    """What ``--help`` shows."""
    text: str = magic.parser.format_help()
    return text.removeprefix("::\n\n").strip()


def boolean(word: str) -> bool:
    """True or False, as people write it."""
    values = {"true": True, "yes": True, "on": True, "1": True}
    values |= {"false": False, "no": False, "off": False, "0": False}
    if word.lower() not in values:
        raise ValueError(word)
    return values[word.lower()]


def words(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def hosts(text: str) -> list[str]:
    """The host names between commas."""
    return words(text.lower())


def params(pairs: list[list[str]] | None) -> dict[str, Any]:
    """``--param KEY VALUE`` pairs as a dict; a value is JSON where it can be, else text."""
    return {key: _json_or_text(value) for key, value in pairs or []}


def _json_or_text(value: str) -> Any:
    try:
        # JSON has no NaN and no Infinity: they are text, and the provider's to judge.
        return json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
