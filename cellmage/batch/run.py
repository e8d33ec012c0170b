"""Run a batch on this machine: rows in, results out in order, while the progress is shown.

The thread of the caller reads the rows, makes their prompts, writes the results and shows the
progress; the background loop asks. So the caller's own code never holds up an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..recording import default_recording
from ..runtime.loop import background_loop
from ..runtime.sync_stream import SyncStream
from .asker import RowAsker, RowTask
from .columns import value_columns
from .concurrency import Concurrency
from .kept_answers import KeptAnswers
from .output_files import open_output
from .progress import Progress
from .results import Results
from .row_result import Counts, RowResult
from .rows import PromptOf, count_rows, iterate_rows, safe_prompt
from .spending import Spending
from .worker import Question, answer_rows

_INTERVAL_SECONDS = 0.05
"""The time between two looks at the results: a look for each row would cost more than the row."""

_MAX_WAITING = 1024
"""The rows that are read before they are asked."""

_MAX_AHEAD = 20_000
"""The rows that may be done before an earlier one is: the file is written in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How a batch runs.

    Args:
        out: the file of the results; None keeps them in memory.
        concurrency: how many rows are asked at once.
        budget: US dollars.
        resume: False asks rows that were answered before.
    """

    out: Path | None = None
    concurrency: Concurrency = "auto"
    budget: float | None = None
    resume: bool = True


class QuestionQueue:
    """Rows that are read on the caller's thread, and asked on the loop's.

    Args:
        rows: the rows; `fill` reads them.
        prompt_of: makes the prompt of a row.

    Attributes:
        count: how many rows were read.
        is_exhausted: True if there are no further rows.
    """

    def __init__(self, rows: Iterator[Any], prompt_of: PromptOf) -> None:
        self._rows = rows
        self._prompt_of = prompt_of
        self._questions: deque[Question] = deque()
        self._loop = background_loop()
        self._filled = asyncio.Event()
        self.count = 0
        self.is_exhausted = False

    def fill(self, most: int) -> None:
        """Read rows until many wait, for a short time. On the caller's thread."""
        until = time.monotonic() + _INTERVAL_SECONDS
        before = self.count
        while not self.is_exhausted and len(self._questions) < _MAX_WAITING and self.count < most:
            self._read()
            if time.monotonic() > until:
                break
        if self.count > before or self.is_exhausted:
            self._loop.call_soon_threadsafe(self._filled.set)

    def _read(self) -> None:
        try:
            row = next(self._rows)
        except StopIteration:
            self.is_exhausted = True
            return
        self._questions.append(Question(self.count, safe_prompt(self._prompt_of, row), row))
        self.count += 1

    async def questions(self) -> AsyncIterator[Question]:
        """Yield the rows as they are read. On the loop's thread."""
        while True:
            self._filled.clear()
            while self._questions:
                yield self._questions.popleft()
            if self.is_exhausted and not self._questions:
                return
            await self._filled.wait()


class InOrder:
    """Passes results on in the order of their rows.

    Args:
        pass_on: takes the next result.
    """

    def __init__(self, pass_on: Callable[[RowResult], object]) -> None:
        self._pass_on = pass_on
        self._early: dict[int, RowResult] = {}
        self.count = 0

    def add(self, result: RowResult) -> None:
        """Add a result; it is passed on when those before it are."""
        self._early[result.index] = result
        while self.count in self._early:
            self._pass_on(self._early.pop(self.count))
            self.count += 1


def run_batch(
    task: RowTask, rows: Any, prompt_of: PromptOf, options: BatchOptions, progress: Progress
) -> Results:
    """Ask all rows, and return their results.

    Args:
        task: what is the same for all rows.
        rows: as for `iterate_rows`.
        prompt_of: makes the prompt of a row.
        options: how the batch runs.
        progress: shows how far it is.

    Raises:
        ConfigError: the model has no key or no address, or a package is missing. Nothing was sent.
        UsageError: the file cannot be written.
        KeyboardInterrupt: the user stopped it; what is done is in the file, and kept.
    """
    RowAsker(task)  # what cannot be asked at all is said here, before a file is replaced
    spending, counts = Spending(options.budget), Counts(count_rows(rows))
    counts.budget = spending.limit
    queue = QuestionQueue(iterate_rows(rows), prompt_of)
    done: list[RowResult] = []
    # A recording answers by itself, and shall have each row.
    is_resumed = options.resume and default_recording() is None
    with ExitStack() as stack:
        keeper = stack.enter_context(KeptAnswers(reads=is_resumed))
        ordered = InOrder(done.append)
        if options.out is not None:
            file = open_output(options.out, task.schema)
            stack.callback(file.close)
            ordered = InOrder(file.write)
        answers = answer_rows(
            task,
            queue.questions(),
            concurrency=options.concurrency,
            keeper=keeper,
            spending=spending,
        )
        stack.callback(lambda: progress.finish(counts))
        stream = stack.enter_context(SyncStream(answers))
        progress.update(counts)  # tells the budget before the first row is asked
        queue.fill(_MAX_WAITING)
        for batch in stream.batches(_INTERVAL_SECONDS):
            for result in batch:
                counts.add(result)
                ordered.add(result)
            counts.spent, counts.is_price_known = spending.spent, spending.is_known
            progress.update(counts)
            queue.fill(ordered.count + _MAX_AHEAD)
        counts = replace(counts, total=counts.done)
    return Results(done, counts, value_columns(task.schema), options.out)
