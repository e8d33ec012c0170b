"""Streams whose answer changes a history when it has been read."""

from __future__ import annotations

from ..messages import CONTINUE_PROMPT, Request, Response
from ..pipeline.base import Ask
from ..stream.response_stream import ResponseStream
from ..turns import CellRef, Turn
from .history import History


def stream_turn(  # noqa: PLR0913 - the parts of a turn
    history: History,
    request: Request,
    ask: Ask,
    cell: CellRef | None,
    *,
    replace_turn: bool,
    response_id: str = "",
) -> ResponseStream:
    """Return a stream whose answer becomes a turn.

    Args:
        history: the history that the turn is put into.
        request: the request; its last message is the question.
        ask: sends the request.
        cell: the cell that asks.
        replace_turn: True replaces an older turn of the same cell.
        response_id: the id of the turn; empty for a random one.
    """
    first, question = request.messages[0], request.messages[-1]
    system = first.text if first.role == "system" else ""

    def commit(response: Response) -> None:
        history.commit(Turn.of(question, response, cell, system), replace_turn)

    def begin(stream: ResponseStream) -> None:
        turn = Turn.of(question, stream.response, cell, system)
        history.begin(turn, lambda: stream.response, replace_turn)

    return ResponseStream(request, ask, commit, begin, response_id)


def stream_continuation(
    history: History, cut: Turn, request: Request, ask: Ask, response_id: str = ""
) -> ResponseStream:
    """Return a stream whose answer is put behind that of a turn that was cut.

    Args:
        history: the history with the turn.
        cut: the turn.
        request: the request that continues it.
        ask: sends the request.
        response_id: of the answer; empty makes one.
    """

    def commit(response: Response) -> None:
        if response.has_content:
            history.merge(cut, Turn(CONTINUE_PROMPT, response).continue_from(cut))

    def begin(stream: ResponseStream) -> None:
        turn = Turn(CONTINUE_PROMPT, stream.response)
        history.begin(turn, lambda: stream.response, replace_turn=False)

    return ResponseStream(request, ask, commit, begin, response_id=response_id)
