"""A prompt that can be sent: its streams, and where the answer goes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from ..output_schema import OutputSchema
from ..stream.response_stream import ResponseStream
from ..turns import CellRef
from .background import JobApproval
from .frontend import FrontEnd
from .proofs import Proofs
from .surfaces import Surface


@dataclass(frozen=True, slots=True)
class PreparedPrompt:
    """A prompt that can be sent.

    Args:
        args: the flags of ``%%llm``.
        front_end: the cell, and who is watching it.
        schema: the schema of the answer; None for text.
        streams: one stream, or those of a comparison; none has been read.
        selected: the stream that becomes a turn.
        forecasts: for a dry run, what would become of each answer that may be kept.
        proofs: what checks the answer.
        surface: where the answer is shown; None is below the running cell.
        approval: asks about the tool calls of an answer in the background; else None.
        cell: the question of a cell that it is; None if it makes no turn of one.
    """

    args: Namespace
    front_end: FrontEnd
    schema: OutputSchema | None
    streams: Sequence[ResponseStream]
    selected: ResponseStream
    proofs: Proofs
    forecasts: Sequence[str] = ()
    surface: Surface | None = None
    approval: JobApproval | None = None
    cell: CellRef | None = None
