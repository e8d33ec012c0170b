"""Ask many rows at once: questions in, results out as they finish. The core of every engine.

A row that fails for now goes back and is asked again, after other rows. Every attempt passes the
rate limiter. A row that is under way holds up no other one.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from dataclasses import replace

from ..errors import CellmageError
from ..messages import Response
from ..runtime.nested import cancel_and_wait
from .asker import HeadReports, RowAsker, RowTask, incomplete_error
from .attempts import FailureWatch, wait_before_retry
from .concurrency import Concurrency, ConcurrencyLimit
from .question import Keeper as Keeper  # noqa: PLC0414 - the engines take both from here
from .question import Pending
from .question import Question as Question  # noqa: PLC0414
from .rate_limit import LocalRateLimiter, RateLimiter
from .row_result import RowResult
from .spending import Spending
from .time_limits import TimeLimits
from .token_count import TokenEstimate

_MAX_RESULTS = 1000
"""With more results that are not taken, no further row is read."""

_BACKOFF_SECONDS = 0.005


async def answer_rows(  # noqa: PLR0913 - keyword arguments
    task: RowTask,
    questions: Iterable[Question] | AsyncIterable[Question],
    *,
    limiter: RateLimiter | None = None,
    concurrency: Concurrency = "auto",
    keeper: Keeper | None = None,
    spending: Spending | None = None,
) -> AsyncGenerator[RowResult, None]:
    """Yield the results of the rows, in the order in which they finish.

    Args:
        task: what is the same for all rows.
        questions: the rows; they are read as they are needed, one reader at a time.
        limiter: limits the rate of requests; None makes one for this call.
        concurrency: how many rows are asked at once.
        keeper: answers that are kept.
        spending: counts the cost; one with a limit ends the asking.

    Raises:
        ConfigError: the model has no key or no address. Nothing was sent.

    Example:
        >>> from cellmage import Options
        >>> async def texts():
        ...     task = RowTask(Options(model="offline/echo"))
        ...     rows = answer_rows(task, [Question(0, "Hello")])
        ...     return [result.value async for result in rows]
        >>> asyncio.run(texts())
        ['Hello']
    """
    workers = Workers(
        RowAsker(task),
        _iterate(questions),
        limiter or LocalRateLimiter(),
        ConcurrencyLimit(concurrency),
        keeper,
        spending or Spending(),
    )
    async with aclosing(workers.results()) as results:
        async for result in results:
            yield result


async def _iterate(
    questions: Iterable[Question] | AsyncIterable[Question],
) -> AsyncGenerator[Question, None]:
    if isinstance(questions, AsyncIterable):
        async for question in questions:
            yield question
    else:
        for question in questions:
            yield question


def _now() -> float:
    return asyncio.get_running_loop().time()


class Workers:
    """The tasks that ask rows; there are as many as the limit of concurrency allows.

    Args:
        asker: asks one row once.
        questions: the rows.
        limiter, limit, keeper, spending: as for `answer_rows`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a batch
        self,
        asker: RowAsker,
        questions: AsyncIterator[Question],
        limiter: RateLimiter,
        limit: ConcurrencyLimit,
        keeper: Keeper | None,
        spending: Spending,
    ) -> None:
        self._asker = asker
        self._questions = questions
        self._limiter = limiter
        self._limit = limit
        self._keeper = keeper
        self._spending = spending
        self._tokens = TokenEstimate()
        self._time_limits = TimeLimits()
        self._failures = FailureWatch()
        self._counts: dict[str, int] = {}
        self._retries: list[tuple[float, int, Pending]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[RowResult | BaseException | None] = asyncio.Queue()
        self._pulling = asyncio.Lock()
        self._is_exhausted = False
        self._in_flight = self._count = 0
        self._wake = asyncio.Event()

    async def results(self) -> AsyncGenerator[RowResult, None]:
        """Yield the results as they finish; leaving it cancels the rows that are under way."""
        self._grow()
        try:
            while (result := await self._results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            await cancel_and_wait(*self._tasks)

    # The tasks.

    def _grow(self) -> None:
        """Start tasks up to the limit, and no more than there are rows."""
        target = self._limit.limit
        if self._is_exhausted:
            target = min(target, self._in_flight + len(self._retries))
        while self._count < target:
            self._count += 1
            worker = asyncio.create_task(self._work())
            self._tasks.add(worker)
            worker.add_done_callback(self._on_end)

    def _on_end(self, worker: asyncio.Task[None]) -> None:
        self._tasks.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._results.put_nowait(error)
        elif not self._tasks:
            self._results.put_nowait(None)

    async def _work(self) -> None:
        """Ask rows until there are none, or this task is one too many."""
        # Counted here and not by the tasks: several may see at once that they are too many.
        while self._count <= self._limit.limit and (pending := await self._next()) is not None:
            await self._attempt(pending)
            self._grow()
        self._count -= 1

    async def _next(self) -> Pending | None:
        """Return the next row to ask: one that failed before and is due, else a new one."""
        while True:
            wait = self._retries[0][0] - _now() if self._retries else None
            if wait is not None and wait <= 0:
                self._in_flight += 1
                return heapq.heappop(self._retries)[2]
            if not self._is_exhausted:
                if (pending := await self._pull()) is not None:
                    return pending
                await self._make_room()
            elif wait is None and not self._in_flight:
                self._wake.set()
                return None
            else:
                await self._wait_for_row(wait)

    async def _make_room(self) -> None:
        """Let other tasks run, and wait while the results are not taken."""
        await asyncio.sleep(0)
        while self._results.qsize() > _MAX_RESULTS:  # noqa: ASYNC110 - a row in 5 ms is enough
            await asyncio.sleep(_BACKOFF_SECONDS)

    async def _wait_for_row(self, seconds: float | None) -> None:
        """Wait until a row comes back or is due, or the last one is done."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _pull(self) -> Pending | None:
        """Return the next new row that must be asked; None if there may be another to take first.

        Rows that are answered without asking become results here.
        """
        async with self._pulling:
            if self._is_exhausted or (self._retries and self._retries[0][0] <= _now()):
                return None
            question = await anext(self._questions, None)
            if question is None:
                self._is_exhausted = True
                self._wake.set()
                return None
            return self._prepare(question)

    def _prepare(self, question: Question) -> Pending | None:
        """Return a row that must be asked; None if its result is known."""
        try:
            if isinstance(question.prompt, CellmageError):
                raise question.prompt
            request = self._asker.request(question.prompt)
        except CellmageError as error:
            self._finish(RowResult(question.index, error=error, row=question.row, attempts=0))
            return None
        key, number = self._asker.inputs(request).key, 0
        if self._keeper is not None:
            number = self._counts[key] = self._counts.get(key, 0) + 1
            if (recorded := self._keeper.find(key, number)) is not None:
                self._finish(self._valid_result(question, recorded, 0))
                return None
        if (refusal := self._refusal()) is not None:
            self._finish(RowResult(question.index, error=refusal, row=question.row, attempts=0))
            return None
        self._in_flight += 1
        return Pending(question, request, (key, number))

    def _refusal(self) -> CellmageError | None:
        """Return why no row may be asked now."""
        if self._failures.reason is not None:
            return self._failures.reason
        return None if self._spending.allows(self._in_flight) else self._spending.error()

    # One attempt.

    async def _attempt(self, pending: Pending) -> None:
        waited = await self._limiter.acquire(self._tokens.of(pending.request))
        number, started_at = self._limit.start(), _now()
        request = self._time_limits.apply(pending.request, pending.attempts)
        pending.attempts += 1
        response: Response | None = None
        problem: CellmageError | None
        with HeadReports(self._limiter) as heads:
            try:
                response = await self._asker.ask(request)
                problem = incomplete_error(response)
            except CellmageError as error:
                problem = error
        self._in_flight -= 1
        if heads.last is not None and heads.last.is_overloaded:
            self._limit.on_overload(started_as=number)
        if response is not None:
            self._spending.add(pending.request, response)
            self._tokens.learn(pending.request, response)
            self._time_limits.learn(response)
            is_used = not waited and self._in_flight + 1 >= self._limit.limit
            self._limit.on_answer(_now() - started_at, is_limit_used=is_used)
        self._settle(pending, response, problem)

    def _settle(
        self, pending: Pending, response: Response | None, error: CellmageError | None
    ) -> None:
        """Make the result of a row, or let it be asked again."""
        question, attempts = pending.question, pending.attempts
        if error is None and response is not None:
            self._failures.on_success()
            if self._keeper is not None:
                self._keeper.add(*pending.key, response)
            self._finish(self._valid_result(question, response, attempts))
            return
        assert error is not None
        wait = wait_before_retry(error, attempts)
        if wait is None or self._failures.reason is not None:
            self._failures.on_failure(error)
            self._finish(RowResult(question.index, None, response, error, question.row, attempts))
            return
        heapq.heappush(self._retries, (_now() + wait, question.index, pending))
        self._wake.set()

    def _valid_result(self, question: Question, response: Response, attempts: int) -> RowResult:
        result = RowResult(question.index, None, response, None, question.row, attempts)
        try:
            return replace(result, value=self._asker.task.value_of(response))
        except CellmageError as error:
            return replace(result, error=error)

    def _finish(self, result: RowResult) -> None:
        self._results.put_nowait(result)
        if self._is_exhausted:
            self._wake.set()
