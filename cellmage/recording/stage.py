"""The stage of the pipeline that answers from a recording, or asks and records the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ..errors import ConfigError, ReplayError
from ..events import Complete, Document, Event, Kept, Notice, Start
from ..messages import CONTINUE_PROMPT, Message, Request
from ..pipeline.base import Ask
from ..pipeline.continuation import join_continuation
from ..runtime.sync_stream import run_on_consumer
from ..text import name_day
from ..turns import CellRef
from .differences import explain_miss, explain_stale, explain_unstable
from .draft import Draft
from .inputs import PROMPT, Inputs
from .record import Record
from .recording import Policy, Recording


class RecordingStage:
    """Answers one question: from the recording if it may, else by asking.

    Args:
        recording: where answers are kept.
        policy: what may be done.
        find_inputs: returns what the answer to the request, as it is sent, depends on.
        cell: the cell that asks.
        any_model: True if the answer of any default model will do: none is configured here.
        ask_rest: sends the request that continues an answer that was cut; None: as any other.
        turn_names: the names of the turns before the question.
        confirm, before_ask, check: see `Recorder`.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        recording: Recording,
        policy: Policy,
        find_inputs: Callable[[Request], Inputs],
        cell: CellRef | None,
        *,
        any_model: bool = False,
        ask_rest: Ask | None = None,
        turn_names: Sequence[str] = (),
        confirm: Callable[[str], bool] | None = None,
        before_ask: Callable[[], object] | None = None,
        check: Callable[[str], str] | None = None,
    ) -> None:
        self._recording = recording
        self._policy = policy
        self._find_inputs = find_inputs
        self._cell = cell
        self._any_model = any_model
        self._ask_rest = ask_rest
        self._turn_names = turn_names
        self._confirm = confirm
        self._before_ask = before_ask
        self._check_text = check

    async def __call__(self, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of the answer.

        Raises:
            ReplayError: nothing is recorded, and the model may not be asked.
        """
        inputs = self._find_inputs(request)
        # On a thread: the file of the answers may be locked.
        number = await asyncio.to_thread(self._recording.claim_number, inputs, self._cell)
        record = await asyncio.to_thread(self._find, inputs, number)
        async with aclosing(await self._answer(ask, request, inputs, number, record)) as events:
            async for event in events:
                yield event

    async def _answer(
        self, ask: Ask, request: Request, inputs: Inputs, number: int, stored: Record | None
    ) -> AsyncGenerator[Event, None]:
        """Return the events of the recorded answer, or those of one that is recorded."""
        policy = self._policy
        record = stored if policy.reads else None
        if record is not None and not await self._is_fit(record):
            record = None
        if record is not None and (record.is_complete or not policy.asks):
            await asyncio.to_thread(self._adopt, record)
            return self._replay(record)
        prompt = request.messages[-1].text
        draft = Draft(
            *(self._recording, policy, inputs),
            prompt=prompt,
            cell=self._cell,
            number=number,
            old=stored,
        )
        if record is not None:
            self._check()
            return draft.record(self._continue(record, self._ask_rest or ask, request))
        nearest = await asyncio.to_thread(self._recording.records.nearest, inputs, self._cell)
        if not policy.asks:
            problems = getattr(self._recording.records, "problems", ())
            raise ReplayError(explain_miss(inputs, nearest, request, problems))
        old = self._older(inputs, nearest)
        reason = explain_stale(inputs, old, self._turn_names)
        if old is not None and reason and not await self._is_confirmed(reason):
            return self._replay(old, f"{_origin(old)}, though {reason}; `fresh` asks again")
        self._check()
        lines = list(self._lines(inputs, old)) if policy.is_told else []
        return draft.record(self._ask(ask, request, lines))

    def _older(self, inputs: Inputs, nearest: Record | None) -> Record | None:
        """Return the answer that is out of date: of this cell, or without a cell to this prompt."""
        if nearest is None or not self._policy.is_told:
            return None
        then, now = (item.by_name().get(PROMPT) for item in (nearest.inputs, inputs))
        is_same = then == now if self._cell is None else nearest.cell == self._cell
        return nearest if is_same else None

    def forecast(self, request: Request) -> str:
        """Return what would happen, for a question that is not asked now; empty if nothing kept."""
        inputs = self._find_inputs(request)
        number = self._recording.claim_number(inputs, self._cell, is_asked=False)
        record = self._find(inputs, number) if self._policy.reads else None
        if record is not None and record.is_complete:
            return f"{_origin(record)}: it would be shown, and nothing would be asked"
        if record is not None:
            return f"the kept answer was cut on {name_day(record.asked_on)}: it would be continued"
        nearest = self._recording.records.nearest(inputs, self._cell)
        if not self._policy.asks:
            return explain_miss(inputs, nearest, request)
        reason = explain_stale(inputs, self._older(inputs, nearest), self._turn_names)
        return f"it would be asked again: {reason}" if reason else ""

    def _check(self) -> None:
        """Raise an error if no model may be asked."""
        if self._before_ask is not None:
            self._before_ask()

    def _find(self, inputs: Inputs, number: int) -> Record | None:
        if inputs.unstable and self._policy.asks:
            return None
        is_replay = not self._policy.asks
        return self._recording.records.find(
            inputs, number, or_last=is_replay, any_model=self._any_model
        )

    def _adopt(self, record: Record) -> None:
        """Make the answer of another cell that of this one, too; no file changes by that."""
        if self._policy.keeps_drafts and self._cell is not None and record.cell != self._cell:
            self._recording.adopt(record, self._cell)

    def _lines(self, inputs: Inputs, nearest: Record | None) -> Iterator[Notice]:
        """Yield why the model is asked; what cannot be compared is named once."""
        if reason := explain_stale(inputs, nearest, self._turn_names, unstable=False):
            yield Notice("stale_answer", f"asked again: {reason}")
        for name in inputs.unstable:
            if self._recording.is_new_unstable(name):
                yield Notice("no_fingerprint", explain_unstable(name))

    async def _is_fit(self, record: Record) -> bool:
        """Return whether an answer has the form that is asked for; no model corrects a replay."""
        if self._check_text is None or not (record.is_complete and self._policy.asks):
            return True
        text = record.response.final_text
        return not await run_on_consumer(partial(self._check_text, text))

    async def _is_confirmed(self, reason: str) -> bool:
        if self._confirm is None or not self._policy.reads:
            return True
        return bool(await run_on_consumer(partial(self._confirm, reason)))

    async def _replay(self, record: Record, line: str = "") -> AsyncGenerator[Event, None]:
        """Yield the events of a recorded answer; one that was cut fails as it did.

        Args:
            record: the record.
            line: is told in place of the usual line.
        """
        started_at = time.monotonic()
        for timed in record.timed_events():
            if self._policy.keeps_timing:
                await asyncio.sleep(started_at + timed.seconds - time.monotonic())
            yield timed.event
            if isinstance(timed.event, Start):
                is_told = self._policy.is_told and not line
                yield Kept(record.asked_on, is_told, record.response.timings)
                if line:
                    yield Notice("stale_answer", line, option="fresh")
        error = None if self._policy.asks else record.error()
        if error is not None:
            raise error

    async def _ask(
        self, ask: Ask, request: Request, lines: Sequence[Notice]
    ) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(ask(request)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Start):
                        for line in lines:
                            yield line
                        lines = ()
        except ConfigError as error:  # where others run the notebook, its file shall suffice
            error.args = ("; ".join([str(error), *(line.text for line in lines)]),)
            raise

    async def _continue(
        self, record: Record, ask: Ask, request: Request
    ) -> AsyncGenerator[Event, None]:
        """Yield what was received of a cut answer, then its continuation."""
        for timed in record.timed_events():
            if not isinstance(timed.event, Complete):
                yield timed.event
            if isinstance(timed.event, Start) and self._policy.is_told:
                day = name_day(record.asked_on)
                yield Notice("continued_answer", f"continued: it was cut on {day}")
        response = record.response
        messages = (*request.messages, *response.messages(), Message("user", CONTINUE_PROMPT))
        continuation = join_continuation(
            response.final_text, ask, replace(request, messages=messages)
        )
        async with aclosing(continuation) as events:
            async for event in events:
                is_source = isinstance(event, Document) and bool(response.sources)
                if not (is_source or isinstance(event, Start)):
                    yield event


def _origin(record: Record) -> str:
    return f"kept from {name_day(record.asked_on)}, {record.response.model}"
