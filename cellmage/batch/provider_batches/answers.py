"""Read the result of a row: by the decoder of its API, and the stages of every answer."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ...errors import CellmageError, ProviderError
from ...events import Event, Start
from ...messages import Message, Request, Response, Timings
from ...options import Options
from ...pipeline import SINGLE_ATTEMPT_STAGES, build
from ...providers.apis import APIS
from ...providers.error_translation import stream_error
from ...providers.servers import ResolvedModel
from ...stream.accumulator import accumulate
from ..asker import incomplete_error
from .apis import Line

_SENTENCES = {
    "expired": "the batch expired before this row was asked; the same call asks it again",
    "cancelled": "the batch was cancelled before this row was asked; the same call asks it again",
}


class _KeptBody:
    """A provider whose answer has arrived."""

    def __init__(self, name: str, api: str, line: Line) -> None:
        self.name = name
        self._api = api
        self._line = line

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of the answer."""
        yield Start(request.options.model or "", self.name)
        if self._line.answer is None:
            raise _error_of(self._line.error)
        decoder = APIS[self._api].decoder(False, "application/json")
        for event in decoder.feed(json.dumps(self._line.answer).encode()):
            yield event
        for event in decoder.close():
            yield event


def _error_of(error: Any) -> CellmageError:
    if isinstance(error, str):
        return ProviderError(_SENTENCES.get(error, f"the provider says: {error}"))
    return stream_error(error)


async def read_answer(line: Line, api: str, host: str, model: str) -> Response:
    """Return the answer of a row.

    Raises:
        CellmageError: the row failed, or its answer was cut.
    """
    ask = build(
        [ResolvedModel(_KeptBody(host, api, line), model)], model_stages=SINGLE_ATTEMPT_STAGES
    )
    request = Request((Message("user", "-"),), Options(model=model, api=api))
    started_at, events = time.monotonic(), list[Event]()
    async with aclosing(ask(request)) as answer:
        async for event in answer:
            events.append(event)
    timings = Timings(None, time.monotonic() - started_at)
    response = accumulate(events, timings=timings, incomplete_reason=None)
    if (error := incomplete_error(response)) is not None:
        raise error
    return response
