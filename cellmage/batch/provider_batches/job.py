"""A job: the rows of one call that providers' batches answer, hours later."""

from __future__ import annotations

import sys
from asyncio import sleep
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from ...errors import CellmageError, ProviderError
from ...messages import Request, Response
from ...options import Options
from ...pricing import BATCH_SHARE
from ...printing import write_text
from ...runtime.sync_stream import SyncStream
from ..asker import RowTask
from ..columns import value_columns
from ..kept_answers import KeptAnswers
from ..output_files import write_results
from ..progress import choose_show
from ..results import Results
from ..row_result import Counts, RowResult
from ..run import BatchOptions
from ..spending import Spending
from .answers import read_answer
from .apis import Line
from .job_state import JobRow, PendingBatch, Waits
from .job_store import JobStore, RowKey, StoredBatch
from .server import BatchServer
from .submission import is_transient
from .target import Target


class BatchJob:
    """The rows of one call; the same call in another kernel gives the same job.

    Args:
        task: what is the same for all rows.
        target: the batch endpoint.
        rows: the rows.
        batches: the batches in which those without a result are.
        options: where the results go.
        store: the batches under way.

    Attributes:
        waits: the time between two looks at the batches.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a job
        self,
        task: RowTask,
        target: Target,
        rows: Sequence[JobRow],
        batches: Sequence[StoredBatch],
        options: BatchOptions,
        store: JobStore,
    ) -> None:
        self.waits = Waits()
        self._task = task
        self._target = target
        self._rows = rows
        self._by_key = {row.key: row for row in rows if row.key and row.result is None}
        self._pending = [PendingBatch(batch, store.keys(batch.tag)) for batch in batches]
        self._options = options
        self._store = store
        self._spending = Spending()
        self._problem = ""
        self._is_written = False

    # What the user sees.

    @property
    def is_done(self) -> bool:
        """True if every row has a result."""
        return not self._pending

    @property
    def status(self) -> str:
        """How far the job is, as of the last look, in one line."""
        counts = self._counts()
        looks = [pending.look for pending in self._pending]
        counts.done += sum(look.done for look in looks)
        states = ", ".join(dict.fromkeys(look.state.replace("_", " ") for look in looks))
        state = f"{states} at {self._target.provider.name}" if looks else "done"
        return "; ".join(filter(None, [f"{counts.describe()}, {state}", self._problem]))

    def __repr__(self) -> str:
        return f"<BatchJob: {self.status}>"

    def fetch(self) -> Results:
        """Look once, and return the results of the batches that have ended.

        A row that is still awaited has no value and no error.

        Raises:
            CellmageError: the server cannot be reached, or refuses the key.
        """
        _drain(self._look_once())
        return self._results()

    def result(self) -> Results:
        """Wait for all rows, and return their results.

        Raises:
            CellmageError: the server refuses the key.
            KeyboardInterrupt: the user stopped waiting; the batches go on.
        """
        show = choose_show()
        try:
            with SyncStream(self._watch()) as looks:
                for _ in filter(None, looks.batches()):  # not while nothing is new
                    counts = self._counts()
                    show(self.status, counts.done, counts.total)
        except KeyboardInterrupt:
            write_text(self._advice(), sys.stderr)
            raise
        return self._finish()

    def __await__(self) -> Generator[Any, None, Results]:
        """Wait for all rows without holding up the event loop, and return their results."""
        return self._wait().__await__()

    def cancel(self) -> None:
        """End the batches. What they have answered is paid for; `result` returns it.

        Raises:
            CellmageError: the server cannot be reached, or refuses.
        """
        _drain(self._cancel())

    # Looking.

    async def _wait(self) -> Results:
        async with aclosing(self._watch()) as looks:
            async for _ in looks:
                pass
        return self._finish()

    async def _watch(self) -> AsyncGenerator[None, None]:
        """Look until all batches have ended."""
        wait = self.waits.first
        while True:
            pause = wait
            try:
                async for _ in self._look_once():
                    pass
                self._problem = ""
            except CellmageError as error:
                if not is_transient(error):
                    raise
                retry_after = error.retry_after if isinstance(error, ProviderError) else None
                pause = max(wait, retry_after or 0.0)
                self._problem = f"the last look failed ({error})"
            yield
            if not self._pending:
                return
            await sleep(pause)
            wait = min(wait * self.waits.growth, self.waits.longest)

    async def _look_once(self) -> AsyncGenerator[None, None]:
        server, api = await self._target.server(), self._target.batches
        for pending in list(self._pending):
            batch_id = pending.batch.batch_id or ""
            pending.look = await api.look(server, batch_id)
            if pending.look.is_ended:
                lines = [line async for line in api.lines(server, batch_id, pending.look)]
                if not await self._replace(server, pending, lines):
                    await self._take(pending, lines)
                    self._pending.remove(pending)
            yield

    async def _replace(
        self, server: BatchServer, pending: PendingBatch, lines: Sequence[Line]
    ) -> bool:
        """Look for another batch if this one, which was only likely to be ours, is not.

        Returns:
            True if there is one.
        """
        batch = pending.batch
        if not lines or any(line.custom_id.startswith(batch.tag) for line in lines):
            return False
        result = await self._target.batches.find(server, batch, self._store.is_known)
        if result is not None:
            pending.batch = self._store.set_id(batch, result)
        return result is not None

    async def _take(self, pending: PendingBatch, lines: Sequence[Line]) -> None:
        """Read the results of a batch that has ended; it is forgotten when all are kept."""
        batch, look = pending.batch, pending.look
        keys = dict(enumerate(pending.keys))
        with KeptAnswers() as keeper:
            for line in lines:
                tag, _, index = line.custom_id.rpartition("-")
                if tag == batch.tag and index.isdigit() and int(index) in keys:
                    await self._settle(keys.pop(int(index)), line, keeper)
                    await sleep(0)  # other answers on this loop go on
        reason = look.problem or "it ended without an answer to this row"
        for key in keys.values():
            failure = ProviderError(f"batch {look.state}: {reason}; the same call asks it again")
            self._set(key, None, failure)
        self._store.forget(batch.tag)

    async def _settle(self, key: RowKey, line: Line, keeper: KeptAnswers) -> None:
        target = self._target
        try:
            response = await read_answer(line, target.api, target.provider.name, target.model)
        except CellmageError as error:
            self._set(key, None, error)
            return
        self._spending.add(Request((), Options()), response)
        try:
            value = self._task.value_of(response)
        except CellmageError as error:
            self._set(key, response, error)
            return
        keeper.add(*key, response)
        self._set(key, response, None, value)

    def _set(
        self,
        key: RowKey,
        response: Response | None,
        error: CellmageError | None,
        value: Any = None,
    ) -> None:
        row = self._by_key.get(key)
        if row is not None:  # else it is one of another call
            row.result = RowResult(row.index, value, response, error, row.row)

    async def _cancel(self) -> AsyncGenerator[None, None]:
        server = await self._target.server()
        for pending in self._pending:
            await self._target.batches.cancel(server, pending.batch.batch_id or "")
            yield

    # The results.

    def _counts(self) -> Counts:
        counts = Counts(len(self._rows))
        for row in self._rows:
            if row.result is not None:
                counts.add(row.result)
        counts.spent = Decimal(self._spending.spent) * BATCH_SHARE
        counts.is_price_known = self._spending.is_known
        return counts

    def _results(self) -> Results:
        rows = [row.result or RowResult(row.index, row=row.row, attempts=0) for row in self._rows]
        return Results(rows, self._counts(), value_columns(self._task.schema))

    def _finish(self) -> Results:
        """Return the results, and write them to the file of the call."""
        results, path = self._results(), self._options.out
        if path is None:
            return results
        if not self._is_written:
            write_results(path, self._task.schema, results)
            self._is_written = True
        return Results([], results.counts, value_columns(self._task.schema), path)

    def _advice(self) -> str:
        return (
            f"The batches go on at {self._target.provider.name}: job.result(), or the same call "
            "in any kernel, waits for them again; job.cancel() ends them.\n"
        )


def _drain(steps: AsyncGenerator[None, None]) -> None:
    """Run the steps on the background loop, and wait for their end."""
    with SyncStream(steps) as stream:
        for _ in stream.batches():
            pass
