"""Rows of a formula as lines: aligned equations, cases and matrices."""

from __future__ import annotations

from collections.abc import Sequence

from .pieces import Piece, join_pieces
from .reader import NotExactError
from .text_boxes import join_beside, join_columns

_LINES = frozenset({"", "equation", "gather", "gathered", "multline", "math", "displaymath"})
_ALIGNED = frozenset(
    {"align", "aligned", "split", "eqnarray", "alignat", "alignedat", "flalign"}
)  # fmt: skip
_DELIMITERS = {
    "matrix": ("", ""), "smallmatrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"),
    "Bmatrix": ("{", "}"), "vmatrix": ("|", "|"), "Vmatrix": ("‖", "‖"), "array": ("", ""),
    "cases": ("{", ""), "dcases": ("{", ""), "rcases": ("", "}"),
}  # fmt: skip

Rows = Sequence[Sequence[Sequence[Piece]]]
"""Cells of pieces."""


def arrange_rows(rows: Rows, environment: str, columns: str = "") -> str:
    """Return the rows of an environment as lines.

    Args:
        rows: the rows; each is a sequence of cells.
        environment: its name, without an asterisk; "" for a formula without one.
        columns: the columns of an array, such as ``lcr``.

    Raises:
        NotExactError: the environment is not known.
    """
    if environment in _LINES:
        if any(len(row) > 1 for row in rows):
            raise NotExactError
        return "\n".join(join_pieces(row[0]) for row in rows)
    if environment in _ALIGNED:
        return _arrange_aligned(rows)
    if environment in _DELIMITERS:
        return _arrange_matrix(rows, environment, columns)
    raise NotExactError


def _arrange_aligned(rows: Rows) -> str:
    cells = [[_align_cell(index, cell) for index, cell in enumerate(row)] for row in rows]
    if any("\n" in cell for row in cells for cell in row):
        return "\n".join(map(join_beside, cells))
    return join_columns(cells, "rl", "")


def _align_cell(index: int, cell: Sequence[Piece]) -> str:
    """Return a cell with the gap before it; two cells are a pair, aligned where they meet."""
    if index % 2:  # after an ampersand, TeX sets an operator as if something were before it
        return join_pieces(cell, before="ord")
    return "    " * bool(index) + join_pieces(cell)


def _arrange_matrix(rows: Rows, environment: str, columns: str) -> str:
    cells = [[join_pieces(cell) for cell in row] for row in rows]
    if any("\n" in cell for row in cells for cell in row) or set(columns) - set("lcr "):
        raise NotExactError
    alignments = "l" if environment.endswith("cases") else columns.replace(" ", "") or "c"
    content = join_columns(cells, alignments, "  ")
    return Piece.of_box(content, *_DELIMITERS[environment]).text
