"""Write the pages of the reference, from the parsers, the traits and the docstrings."""

from __future__ import annotations

import argparse
import inspect
import sys
from argparse import Action, BooleanOptionalAction
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from traitlets import Enum

import cellmage
import cellmage.testing
from cellmage.__main__ import _parser as ask_parser
from cellmage.__main__ import _serve_parser as serve_parser
from cellmage.batch.command import _parser as map_parser
from cellmage.doctor.report import _parser as doctor_parser
from cellmage.magics import llm as magics
from cellmage.magics.help_text import EXAMPLES
from cellmage.magics.locks import RULES
from cellmage.magics.parsing import declared
from cellmage.magics.settings import Settings

FOLDER = Path(__file__).parent / "reference"


def cell(text: object) -> str:
    """A text as the cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;").replace("%%", "%")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


# Magics and commands.


def flag_rows(actions: list[Action]) -> Iterator[tuple[str, ...]]:
    for action in actions:
        names = action.option_strings or [str(action.metavar or action.dest)]
        value = _value(action)
        spelled = ", ".join(f"`{name}`" for name in names)
        yield f"{spelled} {f'`{cell(value)}`' if value else ''}".strip(), cell(action.help or "")


def _value(action: Action) -> str:
    if action.nargs == 0 or not action.option_strings or isinstance(action, BooleanOptionalAction):
        return ""
    metavar: Any = action.metavar or "|".join(map(str, action.choices or [action.dest.upper()]))
    value = metavar if isinstance(metavar, str) else " ".join(metavar)
    return f"[{value}]" if action.nargs == "?" else value


def parser_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    for group in parser._action_groups:
        if group._group_actions:
            title = (group.title or "").capitalize()
            yield from table((title, "what it does"), flag_rows(group._group_actions))


def magics_page() -> Iterator[str]:
    yield "# Magics and their flags"
    yield ""
    yield "Made from the parsers. `%%llm --help` and `%%llm?` show the same in a notebook."
    for name in sorted(declared):
        parser = declared[name]
        description = inspect.cleandoc(parser.description or "")
        yield from ("", f"## %{name}", "", description, "", "```text")
        yield "\n\n".join(EXAMPLES[name])
        yield "```"
        yield from parser_lines(parser)


def commands_page() -> Iterator[str]:
    yield "# Command lines"
    yield ""
    yield "Made from the parsers. Each command has `--help`."
    for make in (ask_parser, map_parser, serve_parser, doctor_parser):
        parser = make()
        yield from ("", f"## {parser.prog}", "", parser.description or "")
        yield from parser_lines(parser)
    yield from ("", "## python -m cellmage demo", "", "Stream one cell of a real kernel here.", "")


# Settings.


_KINDS: Mapping[str, str] = {
    "Bool": "`True`, `False`",
    "Dict": "a dict",
    "Float": "a number",
    "Int": "a whole number",
    "List": "a list",
    "Unicode": "a text",
}


def setting_rows(owner: type) -> Iterator[tuple[str, ...]]:
    for name, trait in sorted(owner.class_traits(config=True).items()):  # type: ignore[attr-defined]
        values = ", ".join(f"`{value}`" for value in getattr(trait, "values", None) or ())
        kind = values if isinstance(trait, Enum) else _KINDS[type(trait).__name__]
        yield f"`{name}`", kind, f"`{trait.default()!r}`", cell(trait.help)


def settings_page() -> Iterator[str]:
    head = ("setting", "values", "default", "what it does")
    yield "# Settings"
    yield ""
    yield "Made from the traits. `%llm_config` sets them for a kernel; `ipython_config.py` for all:"
    yield '`c.LLMMagics.model = "gpt-6-luna"`. `%config LLMMagics` shows them.'
    yield from table(head, setting_rows(Settings))
    yield "## Locks of a shared machine"
    yield ""
    yield "`c.LLMLocks` in the files of [an administrator](../hubs.md)."
    rows = ((f"`{name}`", cell(rule.kind)) for name, rule in RULES.items())
    yield from table(("lock", "values"), rows)


# The API.


def is_error(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)


GROUPS: Mapping[str, Callable[[Any], bool]] = {
    "Errors": is_error,
    "Events": lambda value: value in get_args(cellmage.Event),
    "Functions": inspect.isfunction,
    "Classes": inspect.isclass,
    "Others": lambda value: True,
}
"""The sections of the API, and what belongs to each; the first that fits has it."""

_DIRECTIVES: Mapping[str, str] = {"Functions": "autofunction", "Others": "autodata"}


def group_of(value: object) -> str:
    return next(title for title, fits in GROUPS.items() if fits(value))


def api_names(module: ModuleType) -> dict[str, list[str]]:
    """The public names of a module, by section."""
    names: dict[str, list[str]] = {title: [] for title in ("Classes", "Functions", "Events")}
    for name in module.__all__:
        names.setdefault(group_of(getattr(module, name)), []).append(name)
    return names


def api_page() -> Iterator[str]:
    yield "# Python"
    yield ""
    yield "Made from the docstrings. The types are checked from outside, by mypy and pyright."
    for module in (cellmage, cellmage.testing):
        yield from ("", f"## {module.__name__}")
        for title, names in api_names(module).items():
            if names:
                yield from ("", f"### {title}{' for tests' if module is not cellmage else ''}", "")
            for name in names:
                yield "```{eval-rst}"
                yield f".. {_DIRECTIVES.get(title, 'autoclass')}:: {module.__name__}.{name}"
                if _DIRECTIVES.get(title) is None:
                    yield "   :members:"
                yield "```"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "magics": magics_page,
    "settings": settings_page,
    "commands": commands_page,
    "api": api_page,
}


def write_pages() -> None:
    """Write each page that is not as it should be."""
    assert magics  # its import declares the magics
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", "\n".join(make()) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    write_pages()
    sys.stdout.write(f"{FOLDER}\n")
