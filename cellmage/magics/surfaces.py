"""Where a prompt comes from and its answer goes, if that is not the running cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..display.base import Display
from ..pipeline.tools import Approve
from ..stream.response_stream import ResponseStream
from ..turns import CellRef
from .frontend import FrontEnd


@dataclass(frozen=True, slots=True)
class Surface:
    """The place of one answer; its prompt may run on any thread, and no cell need run.

    Args:
        front_end: the facts about the cell that the place belongs to.
        cell: the question that the turn belongs to.
        make_display: returns where the answer of this id is shown.
        approve: decides about tool calls.
        on_stream: is called with the answer before the request is sent.
    """

    front_end: FrontEnd
    cell: CellRef
    make_display: Callable[[str], Display]
    approve: Approve
    on_stream: Callable[[ResponseStream], object]
