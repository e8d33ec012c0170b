"""The matrix of families and what can be done with each, as text and as docs/models.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cellmage.testing import ScriptedServer
from tests.zoo.cells import CELLS, FAIL, YES, Cell, try_cell
from tests.zoo.families import FAMILIES, TABLE_DATE, Family

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"

Row = Mapping[str, Cell]

_INTRODUCTION = f"""# Models

What works with which family of models, as of {TABLE_DATE}. `make zoo` makes this page. It asks
scripted servers on this machine, which answer as the servers of each family do: they refuse what
those refuse, demand back what those demand, and cut what those cut. No provider is asked. The
servers are in `tests/zoo/`, with the facts about each family as data.

`yes` means that the answer is right, and nothing was dropped. A number refers to a reason below the
table: the family cannot do it.

"""


def try_family(family: Family, server: ScriptedServer) -> Row:
    """Return the cells of a family."""
    return {column: try_cell(family, column, server) for column in CELLS}


def try_all() -> dict[str, Row]:
    """Return the rows of all families."""
    with ScriptedServer() as server:
        return {family.title: try_family(family, server) for family in FAMILIES}


def failures(rows: Mapping[str, Row]) -> list[str]:
    """Return a line for each cell that is wrong."""
    return [
        f"{title}, {column}: {cell.reason}"
        for title, row in rows.items()
        for column, cell in row.items()
        if cell.mark == FAIL
    ]


def document(rows: Mapping[str, Row]) -> str:
    """Return docs/models.md."""
    reasons: dict[str, int] = {}
    lines = [
        f"| family | {' | '.join(CELLS)} |",
        "|---" * (len(CELLS) + 1) + "|",
    ]
    for title, row in rows.items():
        marks = [_mark(row[column], reasons) for column in CELLS]
        lines.append(f"| {title} | {' | '.join(marks)} |")
    notes = [f"{number}. {_sentence(reason)}" for reason, number in reasons.items()]
    needs = [
        f"{family.title} needs `{name}={value!r}` for {column}."
        for family in FAMILIES
        for column, options in family.options.items()
        for name, value in options.items()
    ]
    return _INTRODUCTION + "\n".join([*lines, "", *notes, "", *needs, ""])


def _mark(cell: Cell, reasons: dict[str, int]) -> str:
    if cell.mark == YES:
        return YES
    return f"{cell.mark} ({reasons.setdefault(cell.reason, len(reasons) + 1)})"


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."
