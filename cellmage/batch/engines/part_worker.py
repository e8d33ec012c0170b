"""Answer one part: what a task of Ray or Dask does in a worker's process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...errors import CellmageError, UsageError
from ...runtime.loop import background_loop
from ..asker import RowTask
from ..columns import value_columns
from ..concurrency import Concurrency
from ..row_result import RowResult
from ..rows import PromptOf, make_prompts
from ..worker import Question, answer_rows
from .part_answers import PartAnswers
from .part_files import add_columns, write_part
from .parts import Part
from .shared_rate import Exchange, SharedRateLimiter, SharedSpending


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all parts of a batch. It holds no key: a worker has its own.

    Args:
        id: the name of the batch.
        task: what is the same for all rows.
        template: as for `make_prompts`.
        out: the folder of the results; None sends them to the driver.
        answers: the folder of the answers of parts that are under way.
        concurrency: how many rows a worker asks at once.
        budget: US dollars for all parts.
    """

    id: str
    task: RowTask
    template: str | PromptOf
    out: Path | None
    answers: Path
    concurrency: Concurrency = "auto"
    budget: float | None = None

    def output_of(self, part: Part) -> Path | None:
        """Return the file of the results of a part; None if they are sent to the driver."""
        return None if self.out is None else self.out / f"{part.name}.parquet"

    def answers_of(self, part: Part) -> Path:
        """Return the file of the answers of a part; it is there as long as one is missing."""
        return self.answers / f"{part.name}.jsonl"

    def is_done(self, part: Part) -> bool:
        """Return whether the results of a part are in their file, and none has failed."""
        output = self.output_of(part)
        return output is not None and output.exists() and not self.answers_of(part).exists()


@dataclass(slots=True)
class PartReport:
    """What the driver is told of a part.

    Args:
        index: the number of the part.
        done: its rows.
        failed: those with an error.
        kept: those that were answered before.
        spent: US dollars.
        is_price_known: False if a price is not known.
        results: the results, if they are not in a file.
        error: why nothing could be asked.
    """

    index: int
    done: int = 0
    failed: int = 0
    kept: int = 0
    spent: Decimal = Decimal(0)
    is_price_known: bool = True
    results: list[RowResult] = field(default_factory=list)
    error: CellmageError | None = None


class PartWorker:
    """Answers parts of a batch, several at once on threads of their own; their rate is one.

    Args:
        job: what is the same for all parts.
        exchange: asks the owner of the rate.
        threads: how many parts are answered at once.
    """

    def __init__(self, job: Job, exchange: Exchange, threads: int) -> None:
        self._job = job
        self._limiter = SharedRateLimiter(exchange)
        # Of the rows at once, each part has its share.
        share = job.concurrency
        self._concurrency: Concurrency = share if share == "auto" else max(1, share // threads)

    def run(self, part: Part) -> PartReport:
        """Answer a part, and write its file; one that is done is not touched."""
        if self._job.is_done(part):
            return PartReport(part.index, part.count, kept=part.count)
        try:
            with PartAnswers(self._job.answers_of(part)) as answers:
                return self._run(part, answers)
        except CellmageError as error:
            return PartReport(part.index, error=error)

    def _run(self, part: Part, answers: PartAnswers) -> PartReport:
        spending = SharedSpending(self._job.budget, self._limiter)
        work = self._answer(part, answers, spending)
        results = asyncio.run_coroutine_threadsafe(work, background_loop()).result()
        report = _report(part, results, spending)
        output = self._job.output_of(part)
        if output is not None:
            columns = value_columns(self._job.task.schema)
            write_part(add_columns(part.source.read_table(), results, columns), output)
            report.results = []
        if output is None or not report.failed:  # else the next call asks those that failed
            answers.remove()
        return report

    async def _answer(
        self, part: Part, answers: PartAnswers, spending: SharedSpending
    ) -> list[RowResult]:
        results = [
            result
            async for result in answer_rows(
                self._job.task,
                make_questions(part, make_prompts(self._job.template)),
                limiter=self._limiter,
                concurrency=self._concurrency,
                keeper=answers,
                spending=spending,
            )
        ]
        return sorted(results, key=lambda result: result.index)


def _report(part: Part, results: list[RowResult], spending: SharedSpending) -> PartReport:
    failed = sum(not result.ok for result in results)
    recorded = sum(result.ok and not result.attempts for result in results)
    numbers = (len(results), failed, recorded, spending.spent, spending.is_known)
    return PartReport(part.index, *numbers, results)


def make_questions(part: Part, prompt_of: PromptOf) -> Iterator[Question]:
    """Yield the questions of a part."""
    for number, row in enumerate(part.source.read_rows(), part.first):
        yield Question(number, make_prompt(row, prompt_of), row)


def make_prompt(row: Any, prompt_of: PromptOf) -> Any:
    """Return the prompt of a row; the error of a row whose prompt cannot be made."""
    try:
        return prompt_of(row)
    except CellmageError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the function of the user
        return UsageError(f"the prompt could not be made: {type(error).__name__}: {error}")
