"""Show a fix with its proof, and put it into a cell."""

from __future__ import annotations

from ..code_blocks import CodeBlock
from ..proof.fix import Proof
from ..rendering.verdict import publish_verdict
from .code_out import CodeCells, diff
from .executed_cells import CellError
from .frontend import print_line


def report_fix(proof: Proof, failure: CellError, cells: CodeCells, *, in_place: bool) -> None:
    """Show what a fix changes and what is known about it, and put it into a cell.

    A fix that was run and does not work is put nowhere. One that cannot be run in the twin, which
    nothing is known about, is put into the next cell, and is called unproven.

    Args:
        proof: the fixed cell, and what is known about it.
        failure: the cell that failed.
        cells: the cells with the code of answers.
        in_place: whether it takes the place of the failed cell.
    """
    changes = diff(failure.source, proof.code) if proof.code else ""
    title = "Proven:" if proof.is_proven else "Unproven:"
    line = proof.line if proof.was_run else f"it was not run in the twin: {proof.line}"
    publish_verdict(title, line, changes, "" if proof.is_proven else proof.detail)
    if proof.is_proven and in_place and failure.cell_id:
        cells.offer_in(failure.cell_id, failure.source, proof.code)
        print_line(
            f"Run cell [{failure.count}] again: it takes the fixed code, and does not run then."
        )
    elif proof.code and (proof.is_proven or not proof.was_run):
        cells.add([CodeBlock.of(proof.code, "python")], "python")
