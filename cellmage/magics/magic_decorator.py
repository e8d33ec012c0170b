"""Declare the flags of a magic, and call it with their values."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import wraps
from typing import Any

from IPython.core.magic_arguments import argument, argument_group, magic_arguments

from .frontend import print_line
from .help_text import format_help
from .option_spelling import spell_errors
from .parsing import declared, parse
from .thread_cells import in_cell_of_thread

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def flag(*names: str, **settings: Any) -> Decorator:
    """Return a decorator that declares one flag; `argparse` defines the settings."""
    decorator: Decorator = argument(*names, **settings)
    return decorator


def group(title: str) -> Decorator:
    """Return a decorator that begins a group of flags in the help."""
    decorator: Decorator = argument_group(title)
    return decorator


def declare(
    *flags: Decorator, takes_text: bool = False, takes_text_in_cell: bool = False
) -> Decorator:
    """Declare the flags of a magic, in the order in which its help lists them.

    The magic is called with its parsed flags in place of its line. ``--help`` prints the help, and
    does not call the magic.

    Args:
        flags: made by `flag` and `group`.
        takes_text: whether text may follow the flags; it is then the magic's next argument. In a
            cell the text is below the line.
        takes_text_in_cell: whether text may follow the flags of a cell, too.
    """

    def decorate(magic: Callable[..., Any]) -> Callable[..., Any]:
        decorators: list[Decorator] = [magic_arguments(), *flags, *_HELP]
        for decorator in reversed(decorators):
            magic = decorator(magic)
        parser = magic.parser  # type: ignore[attr-defined]
        declared[parser.prog] = parser
        magic.__doc__ = help_text = format_help(parser)

        @wraps(magic)
        def run(self: Any, line: str, *cell: str, **scope: Any) -> Any:
            sign = "%%" if cell else "%"
            args, text = parse(
                magic, line, sign, takes_text=takes_text and (takes_text_in_cell or not cell)
            )
            if args.help:
                print_line(help_text)
                return None
            with spell_errors(), in_cell_of_thread(self.shell):
                return magic(self, args, *([text] if takes_text else []), *cell, **scope)

        return run

    return decorate


def is_empty(magic: Any, args: Namespace) -> bool:
    """Return whether there was no flag on the line of a magic."""
    return bool(args == magic.parser.parse_args([]))


_HELP = [group("Help"), flag("-h", "--help", action="store_true", help="Show this text.")]
