"""Check an answer when it has ended, on the consumer's thread, and say what is known about it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from ..events import Complete, Event, Marks, Notice, Reclassification, Status, Token, ToolResult
from ..marks import Mark
from ..messages import Request
from ..runtime.sync_stream import run_on_consumer
from ..tool_results import format_error
from .base import Ask
from .finish_reasons import incomplete_reason

FindMarks = Callable[[str, Sequence[str]], Sequence[Mark]]
"""Returns the marks of an answer.

It is given the text, and the texts from which the model may know things: those of the request, and
the results of tools.
"""


def mark_answer(find: FindMarks, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer, and its marks before the end; none for one that was cut.

    Args:
        find: finds the marks; it is called once, on the consumer's thread.
        ask: sends the request, or answers from a recording: such an answer is checked anew.
        request: the request.
    """
    return _mark(find, ask, request)


async def _mark(find: FindMarks, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    text, sent = "", [message.text for message in request.messages]
    async with aclosing(ask(request)) as events:
        async for event in events:
            match event:
                case Token():
                    text += event.text
                case Reclassification():
                    text = text.removesuffix(event.text)
                case ToolResult():
                    sent.append(event.content)
                case Complete() if text and not incomplete_reason(event.finish_reason):
                    yield Status("Checking the answer…")
                    yield await _check(partial(find, text, sent))
            yield event


async def _check(find: Callable[[], Sequence[Mark]]) -> Marks | Notice:
    """Return the marks; a notice if they cannot be found: the answer is there all the same."""
    try:
        return Marks(tuple(await run_on_consumer(find)))
    except Exception as error:  # noqa: BLE001 - it runs code of the user, and of a model
        return Notice("unchecked", f"The answer could not be checked: {format_error(error)}")
