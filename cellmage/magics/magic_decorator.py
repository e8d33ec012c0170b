"""Declare the flags of a magic, and call it with their values."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import wraps
from typing import Any

from IPython.core.magic_arguments import argument, magic_arguments

from .frontend import print_line
from .option_spelling import spell_errors
from .parsing import help_text, parse, parse_flags

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def flag(*names: str, **settings: Any) -> Decorator:
    """Return a decorator that declares one flag; `argparse` defines the settings."""
    decorator: Decorator = argument(*names, **settings)
    return decorator


def declare(*flags: Decorator, takes_text: bool = False) -> Decorator:
    """Declare the flags of a magic, in the order in which its help lists them.

    The magic is called with its parsed flags in place of its line. ``--help`` prints the help, and
    does not call the magic.

    Args:
        flags: made by `flag`.
        takes_text: whether text may follow the flags; it is then the magic's next argument.
    """

    def decorate(magic: Callable[..., Any]) -> Callable[..., Any]:
        decorators: list[Decorator] = [magic_arguments(), *flags, _HELP]
        for decorator in reversed(decorators):
            magic = decorator(magic)

        @wraps(magic)
        def run(self: Any, line: str, *cell: str, **scope: Any) -> None:
            args, *text = _parse(magic, line, "%%" if cell else "%", takes_text)
            if args.help:
                print_line(help_text(magic))
                return
            with spell_errors():
                magic(self, args, *text, *cell, **scope)

        return run

    return decorate


def _parse(magic: Any, line: str, sign: str, takes_text: bool) -> tuple[Any, ...]:
    return parse(magic, line, sign) if takes_text else (parse_flags(magic, line),)


def is_empty(magic: Any, args: Namespace) -> bool:
    """Return whether there was no flag on the line of a magic."""
    return bool(args == magic.parser.parse_args([]))


_HELP = flag("-h", "--help", action="store_true", help="Show this text.")
