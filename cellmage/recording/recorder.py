"""Answer a question from a recording, or ask and record the answer: a stage of the pipeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import CellmageError, ReplayError
from ..events import Event, Kept, Notice, Start, Status
from ..fingerprints import Fingerprint, fingerprint
from ..messages import CONTINUE_PROMPT, Message, Request, Response, Timings
from ..pipeline.base import Ask, compose
from ..pipeline.continuation import join_continuation
from ..providers.registry import default_model
from ..stream.accumulator import accumulate
from ..tools import Tool
from ..turns import CellRef
from .differences import explain_miss, explain_stale
from .inputs import Inputs, make_inputs
from .record import Record, TimedEvent
from .recording import Policy, Recording


@dataclass(frozen=True, slots=True)
class Recorder:
    """What is recorded for one question: passed to `Conversation.stream`.

    Args:
        recording: where answers are kept, and what may be done.
        values: the fingerprints of what was inserted, attached or searched, by name; None for a
            value that has none.
        policy: what may be done for this question; None is that of the recording.

    Example:
        >>> from cellmage import Conversation
        >>> from cellmage.recording import KEEP, MemoryRecords, Recording
        >>> from cellmage.turns import CellRef
        >>> recorder = Recorder(Recording(MemoryRecords(), KEEP))
        >>> named = {"model": "offline/echo", "recorder": recorder}
        >>> chat, cell = Conversation(), CellRef("c1", 0)
        >>> [bool(chat.ask("Hi", cell=cell, **named).kept_from) for _ in range(2)]
        [False, True]
    """

    recording: Recording
    values: Mapping[str, Fingerprint | None] = field(default_factory=dict)
    policy: Policy | None = None

    @property
    def active_policy(self) -> Policy:
        """What may be done for this question."""
        return self.policy or self.recording.policy

    def inputs(self, request: Request, tools: Mapping[str, Tool[..., Any]]) -> Inputs:
        """Return what the answer to a request depends on.

        Args:
            request: the request, with the model as the user named it.
            tools: its tools, by name.
        """
        options = request.options
        first = options.model or default_model(base_url=options.base_url)
        model = ",".join([first, *(options.fallback or ())])
        sources = {name: fingerprint(tool.function) for name, tool in tools.items()}
        return make_inputs(request, model, sources, self.values)

    def around(
        self,
        ask: Ask,
        request: Request,
        tools: Mapping[str, Tool[..., Any]],
        cell: CellRef | None,
    ) -> Ask:
        """Return a way to ask that answers from the recording, or records the answer.

        Args:
            ask: sends the request.
            request, tools: as for `inputs`.
            cell: the cell that asks.
        """
        is_model_open = request.options.model is None and not self.active_policy.asks
        stage = RecordingStage(self, self.inputs(request, tools), cell, is_model_open)
        return compose(ask, [stage])


class RecordingStage:
    """Answers one question: from the recording if it may, else by asking.

    Args:
        recorder: what is recorded, and what may be done.
        inputs: what the answer depends on.
        cell: the cell that asks.
        any_model: True if the model is not known here, and not named by the user.
    """

    def __init__(
        self, recorder: Recorder, inputs: Inputs, cell: CellRef | None, any_model: bool
    ) -> None:
        self._records = recorder.recording.records
        self._policy = recorder.active_policy
        self._today = recorder.recording.today
        self._inputs = inputs
        self._cell = cell
        self._any_model = any_model
        self._number = recorder.recording.number_of(inputs.key, cell)

    def __call__(self, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of the answer."""
        record = self._find() if self._policy.reads else None
        if record is not None and (record.is_complete or not self._policy.asks):
            return self._replay(record)
        if not self._policy.asks:
            raise ReplayError(explain_miss(self._inputs, self._nearest(), request))
        if record is not None:
            return self._record(self._continue(record, ask, request), request)
        return self._record(self._ask(ask, request), request)

    def _find(self) -> Record | None:
        if self._inputs.unstable and self._policy.asks:
            return None
        return self._records.find(
            self._inputs,
            self._number,
            or_last=not self._policy.asks,
            any_model=self._any_model,
        )

    def _nearest(self) -> Record | None:
        return self._records.nearest(self._inputs, self._cell)

    async def _replay(self, record: Record) -> AsyncGenerator[Event, None]:
        """Yield the events of a recorded answer; one that was cut ends without `Complete`."""
        started_at = time.monotonic()
        for timed in record.timed_events():
            if self._policy.keeps_timing:
                await asyncio.sleep(started_at + timed.seconds - time.monotonic())
            yield timed.event
            if isinstance(timed.event, Start):
                yield Kept(record.asked_on, self._policy.is_told)

    async def _ask(self, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
        line = explain_stale(self._inputs, self._nearest()) if self._policy.is_told else ""
        async with aclosing(ask(request)) as events:
            async for event in events:
                yield event
                if line and isinstance(event, Start):
                    yield Notice("stale_answer", line)

    async def _continue(
        self, record: Record, ask: Ask, request: Request
    ) -> AsyncGenerator[Event, None]:
        """Yield what was received of a cut answer, then its continuation."""
        async for event in self._replay(record):
            yield event
        text = record.response.final_text
        messages = (*request.messages, *record.response.messages())
        continuation = replace(request, messages=(*messages, Message("user", CONTINUE_PROMPT)))
        async with aclosing(join_continuation(text, ask, continuation)) as events:
            async for event in events:
                if not isinstance(event, Start):
                    yield event

    async def _record(
        self, answer: AsyncGenerator[Event, None], request: Request
    ) -> AsyncGenerator[Event, None]:
        """Pass the events on, and keep the answer, also one that is cut."""
        received: list[TimedEvent] = []
        started_at, reason = time.monotonic(), "interrupted"
        try:
            async with aclosing(answer) as events:
                async for event in events:
                    received.append(TimedEvent(time.monotonic() - started_at, event))
                    yield event
            reason = ""
        except CellmageError as error:
            reason = error.kind
            raise
        finally:
            self._keep(received, reason or None, request)

    def _keep(
        self, received: list[TimedEvent], incomplete_reason: str | None, request: Request
    ) -> None:
        own = [timed for timed in received if not isinstance(timed.event, Status | Kept)]
        seconds = own[-1].seconds if own else 0.0
        response: Response = accumulate(
            [timed.event for timed in own],
            timings=Timings(None, seconds),
            incomplete_reason=incomplete_reason,
        )
        if not response.has_content:
            return
        record = Record(
            self._inputs,
            request.messages[-1].text,
            response,
            self._today().isoformat(),
            self._number,
            self._cell.cell_id if self._cell else "",
            self._cell.index if self._cell else 0,
            tuple(own) if self._policy.keeps_events else (),
        )
        self._records.add(record)
