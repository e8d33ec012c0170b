"""What ``--cells`` and ``--error`` send: cells with their outputs, an error with its values."""

from __future__ import annotations

import linecache
from argparse import Namespace
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType, TracebackType
from typing import Any

from ..content import Part
from ..describe import Description, Level, describe
from ..describe.beside_tables import describe_beside_tables, may_hold_cells
from ..describe.code import HIDDEN_MARK
from ..describe.description import bound, plural
from ..errors import UsageError
from .attachments import Attached
from .executed_cells import CellError, ExecutedCell, ExecutedCells

_MAX_CHARS = 20_000
_MAX_VALUES = 30
_MAX_VALUE_CHARS = 2_000
_MORE = "level `rows` sends it"


def find_context(args: Namespace, cells: ExecutedCells, level: Level) -> list[Attached]:
    """Return what the flags send of the notebook.

    Args:
        args: the flags of ``%%llm``.
        cells: the cells that ran.
        level: what may be sent of tables.

    Raises:
        UsageError: there is no such cell, or no error.
    """
    selected = cells.select(args.cells) if args.cells else []
    context = [(f"cell [{cell.count}]", _describe_cell(cell, level)) for cell in selected]
    if args.error:
        if cells.last_error is None:
            raise UsageError("--error: no cell has failed since cellmage was loaded; leave it out")
        error = cells.last_error
        context.append((f"the error of cell [{error.count}]", _describe_error(error, level)))
    return context


def _describe_cell(cell: ExecutedCell, level: Level) -> Description:
    """A cell is sent as its source, what it printed, its value and its images."""
    parts: list[Part] = [_code(cell.source)]
    left_out = []
    if cell.printed and may_hold_cells(level):
        left_out.append(f"what it printed left out; {_MORE}")
    elif cell.printed:
        parts.append(f"It printed:\n{_cut(cell.printed)}")
    counts = [plural(len(cell.source), "character")]
    for value in cell.values:
        description = describe_beside_tables(value, level)
        parts += ["Its value:", *description.parts]
        counts += [description.counts] if description.counts else []
        left_out += [description.left_out] if description.left_out else []
    if cell.images and may_hold_cells(level):  # the texts of a plot may be cells
        left_out.append(f"{plural(len(cell.images), 'image')} left out; {_MORE}")
    elif cell.images:
        parts += cell.images
        counts.append(plural(len(cell.images), "image"))
    return Description(tuple(parts), ", ".join(counts), "; ".join(left_out))


def _describe_error(failure: CellError, level: Level) -> Description:
    """An error is sent as its cell, its traceback, and the values of the frame that failed."""
    traceback = describe(failure.error, level)
    parts: list[Part] = [_code(failure.source), _hide_lines(traceback.text, failure.error)]
    values = [
        f"{name}: {_cut(describe_beside_tables(value, level).text, _MAX_VALUE_CHARS)}"
        for name, value in _values_at_failure(failure)
    ]
    if values:
        parts.append("\n".join(["Values where it failed:", *values]))
    values_count = f", {plural(len(values), 'value')} where it failed" if values else ""
    counts = f"{traceback.counts}{values_count}"
    return Description(tuple(parts), counts)


def _cut(text: str, max_chars: int = _MAX_CHARS) -> str:
    return bound(text, max_chars, "").text


def _code(source: str) -> str:
    fence = "```"
    while fence in source:
        fence += "`"
    return f"{fence}python\n{_cut(source.rstrip())}\n{fence}"


# Values.


def _values_at_failure(failure: CellError) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the notebook's innermost frame."""
    frames = [tb.tb_frame for tb in _tracebacks(failure.error)]
    own = [frame for frame in frames if frame.f_globals is frames[0].f_globals]
    if not own or _is_hidden(own[-1].f_code):
        return
    frame = own[-1]
    names = frame.f_code.co_names if frame.f_locals is frame.f_globals else tuple(frame.f_locals)
    values: Mapping[str, Any] = frame.f_locals
    present = [
        name for name in dict.fromkeys(names) if name in values and not _is_definition(values[name])
    ]
    for name in [name for name in present if not name.startswith("__")][:_MAX_VALUES]:
        yield name, values[name]


def _is_definition(value: Any) -> bool:
    """Return whether a value is a class, a module, or a function of a hidden cell."""
    is_hidden = isinstance(value, FunctionType) and _is_hidden(value.__code__)
    return is_hidden or isinstance(value, type | ModuleType)


def _tracebacks(error: BaseException) -> list[TracebackType]:
    tracebacks, tb = [], error.__traceback__
    while tb is not None:
        tracebacks.append(tb)
        tb = tb.tb_next
    return tracebacks


# Hidden cells.


def _is_hidden(code: CodeType) -> bool:
    lines = linecache.getlines(code.co_filename)
    return HIDDEN_MARK in lines[:5]


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and those before it."""
    errors = [error]
    for each in errors:
        before = [each.__cause__, each.__context__]
        errors += [other for other in before if other is not None and other not in errors]
    return errors


def _hide_lines(text: str, error: BaseException) -> str:
    """Return a traceback without the lines of hidden cells."""
    for tb in (tb for each in _chain(error) for tb in _tracebacks(each)):
        if _is_hidden(tb.tb_frame.f_code):
            line = linecache.getline(tb.tb_frame.f_code.co_filename, tb.tb_lineno).strip()
            text = text.replace(f"    {line}\n", "    (hidden by %%llm_hide)\n") if line else text
    return text
