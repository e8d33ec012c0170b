"""An answer while it is recorded: kept piece by piece, and whole at its end."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..errors import CellmageError
from ..events import Event, Kept, Notice, Status, Token
from ..messages import Timings
from ..stream.accumulator import accumulate
from ..turns import CellRef
from .inputs import Inputs
from .record import Record, TimedEvent
from .recording import Policy, Recording

_SAVE_SECONDS = 0.5
"""Time between two savings of an answer that is being written."""

_MAX_SHARE = 0.05
"""The part of the time that savings of a long answer may take."""

_OWN_NOTICES = ("stale_answer", "continued_answer", "no_fingerprint")
"""The notices that a recording adds: they are about this request, and not about the answer."""


class Draft:
    """An answer that is recorded while it arrives.

    Args:
        recording: where it is kept.
        policy: what is kept of it.
        inputs: what it depends on.
        prompt: the text of the question, as it is sent.
        cell: the cell that asks.
        number: which of several answers to the same inputs it is.
        old: the answer that is kept so far; a part of an answer does not replace a complete one.
    """

    def __init__(  # noqa: PLR0913 - the parts of a record
        self,
        recording: Recording,
        policy: Policy,
        inputs: Inputs,
        *,
        prompt: str,
        cell: CellRef | None,
        number: int,
        old: Record | None,
    ) -> None:
        self._recording = recording
        self._policy = policy
        self._inputs = inputs
        self._prompt = prompt
        self._cell = cell
        self._number = number
        self._may_be_partial = old is None or not old.is_complete
        self._received: list[TimedEvent] = []
        self._started_at = time.monotonic()
        self._next_save = self._started_at + _SAVE_SECONDS

    async def record(self, answer: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Pass the events on, and keep the answer, also one that is cut."""
        self._started_at = time.monotonic()
        reason = "interrupted"
        try:
            async with aclosing(answer) as events:
                async for event in events:
                    self._add(event)
                    yield event
            reason = ""
        except CellmageError as error:
            reason = error.kind
            raise
        finally:
            self._save(reason)

    def _add(self, event: Event) -> None:
        now = time.monotonic()
        is_own = isinstance(event, Notice) and event.kind in _OWN_NOTICES
        if not (is_own or isinstance(event, Status | Kept)):
            self._received.append(TimedEvent(now - self._started_at, event))
        if self._policy.keeps_drafts and now >= self._next_save:
            self._save("killed")
            ended_at = time.monotonic()
            self._next_save = ended_at + max(_SAVE_SECONDS, (ended_at - now) / _MAX_SHARE)

    def _save(self, incomplete_reason: str) -> None:
        record = self._make_record(self._received, incomplete_reason)
        if record.response.has_content and (record.is_complete or self._may_be_partial):
            self._recording.records.add(record)

    def _make_record(self, received: Sequence[TimedEvent], incomplete_reason: str) -> Record:
        first = next((item.seconds for item in received if isinstance(item.event, Token)), None)
        response = accumulate(
            [timed.event for timed in received],
            timings=Timings(first, received[-1].seconds if received else 0.0),
            incomplete_reason=incomplete_reason or None,
        )
        return Record(
            self._inputs,
            self._prompt,
            response,
            self._recording.today().isoformat(),
            self._number,
            self._cell.cell_id if self._cell else "",
            self._cell.index if self._cell else 0,
            tuple(received) if self._policy.keeps_events else (),
        )
