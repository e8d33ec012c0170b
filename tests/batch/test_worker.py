"""Many rows at once: none is lost, none is asked twice without need, and the rate is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Options, RowResult, UsageError
from cellmage.batch.asker import RowTask
from cellmage.batch.rate_limit import LocalRateLimiter, RateLimit
from cellmage.batch.row_result import Counts
from cellmage.batch.spending import Spending
from cellmage.batch.worker import Question, answer_rows
from cellmage.errors import CellmageError, HTTPStatusError, ProviderError
from cellmage.messages import Response
from cellmage.providers.registry import register, unregister
from cellmage.testing import ScriptedProvider
from tests.batch.virtual_server import FaultyProvider, most_within, run_virtual
from tests.repetitions import IS_STRESS, repeat

ROWS = 10_000 if IS_STRESS else 500
RATE = 6_000
FAULTS: dict[Any, float] = {429: 0.05, 500: 0.02, "cut": 0.01, "stall": 0.005}
TASK = RowTask(Options(model="faulty", timeout=5, idle_timeout=5, first_byte_timeout=5))


@pytest.fixture(autouse=True)
def no_providers() -> Iterator[None]:
    yield
    unregister("faulty")


def questions(count: int) -> list[Question]:
    return [Question(n, f"Row {n}") for n in range(count)]


def ask(provider: Any, rows: Any, **options: Any) -> tuple[list[RowResult], float]:
    """Return the results as they finish, and the virtual seconds that they took."""
    register("faulty", provider)

    async def main() -> tuple[list[RowResult], float]:
        results = [result async for result in answer_rows(TASK, rows, **options)]
        return results, asyncio.get_running_loop().time()

    return run_virtual(main())


def test_rows_of_a_server_with_faults_and_a_rate() -> None:
    provider = FaultyProvider(RATE, FAULTS)
    results, seconds = ask(provider, questions(ROWS))
    assert sorted(result.index for result in results) == list(range(ROWS))
    assert all(result.value == f"half Row {result.index}" for result in results)
    assert max(provider.answered.values()) == 1
    assert provider.refused == 0
    assert most_within(provider.times, 60) <= RATE
    assert most_within(provider.times, 1) <= 1.3 * RATE / 60
    floor = len(provider.times) / RATE * 60  # those that fail count, too
    # A small batch begins with few rows at once, and its last rows may stall twice.
    assert seconds <= 1.15 * floor + (0 if IS_STRESS else 15)


@given(st.integers(1, 40), st.integers(0, 3))
@repeat(10)
def test_a_rate_that_is_not_said_is_found(limit: int, seed: int) -> None:
    """Each refusal lets the row wait, and no row is lost."""
    provider = FaultyProvider(60 * limit, {429: 0.1}, says_rate=False, seed=seed)
    results, _ = ask(provider, questions(60))
    assert sorted(result.value for result in results) == sorted(f"half Row {n}" for n in range(60))


def test_a_stalled_row_holds_up_no_other() -> None:
    provider = FaultyProvider(RATE, {"stall": 0.5})
    results, _ = ask(provider, questions(40), concurrency=40)
    stalled = [result.index for result in results if result.attempts > 1]
    first = [result.index for result in results[: 40 - len(stalled)]]
    assert stalled
    assert set(first).isdisjoint(stalled)


def test_a_row_that_always_fails_has_an_error() -> None:
    provider = FaultyProvider(RATE, {"cut": 1.0})
    results, _ = ask(provider, questions(3))
    assert [result.error.kind for result in results if result.error] == ["connection_lost"] * 3
    assert [result.attempts for result in results] == [8] * 3


def test_a_wrong_key_is_not_asked_with_for_each_row() -> None:
    class Refusing(FaultyProvider):
        async def stream(self, request: Any) -> Any:
            self.asked["any"] += 1
            raise HTTPStatusError("wrong key", kind="auth")
            yield

    provider = Refusing(RATE, {})
    results, _ = ask(provider, questions(500))
    assert len(results) == 500
    assert {str(result.error) for result in results} == {"wrong key"}
    assert provider.asked["any"] <= 32


def test_concurrency_follows_the_rate() -> None:
    provider = FaultyProvider(600_000, {}, latency=2.0)
    _, seconds = ask(provider, questions(600))
    assert provider.most_at_once > 100
    assert seconds < 600 * 2.0 / 30


def test_a_fixed_concurrency_is_kept() -> None:
    provider = FaultyProvider(600_000, {}, latency=2.0)
    ask(provider, questions(50), concurrency=3)
    assert provider.most_at_once == 3


def test_questions_of_an_async_iterator_are_read_as_they_are_needed() -> None:
    read: list[int] = []

    async def rows() -> AsyncIterator[Question]:
        for n in range(100):
            read.append(n)
            yield Question(n, f"Row {n}")

    register("faulty", FaultyProvider(RATE, {}))

    async def main() -> int:
        answers = answer_rows(TASK, rows(), concurrency=2)
        await anext(answers)
        await answers.aclose()
        return len(read)

    assert run_virtual(main()) <= 5


def test_an_error_of_the_rows_is_raised() -> None:
    def rows() -> Iterator[Question]:
        yield Question(0, "Row 0")
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="gone"):
        ask(FaultyProvider(RATE, {}), rows())


def test_a_prompt_that_cannot_be_made_is_the_error_of_its_row() -> None:
    rows = [Question(0, UsageError("no such field")), Question(1, ""), Question(2, "Row 2")]
    results, _ = ask(FaultyProvider(RATE, {}), rows)
    by_index = {result.index: result for result in results}
    assert str(by_index[0].error) == "no such field"
    assert "empty" in str(by_index[1].error)
    assert by_index[2].ok


class MemoryKeeper:
    """Answers that are kept in memory."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int], Response] = {}

    def find(self, key: str, number: int) -> Response | None:
        return self.answers.get((key, number))

    def add(self, key: str, number: int, response: Response) -> None:
        self.answers[key, number] = response


def test_equal_rows_have_an_answer_each_and_are_found_again() -> None:
    keeper = MemoryKeeper()
    provider = FaultyProvider(RATE, {})
    rows = [Question(n, "Row 0") for n in range(3)]
    ask(provider, rows, keeper=keeper)
    assert provider.asked["Row 0"] == 3
    results, _ = ask(provider, [*rows, Question(3, "Row 0")], keeper=keeper)
    assert provider.asked["Row 0"] == 4
    assert sorted(result.attempts for result in results) == [0, 0, 0, 1]


def test_a_limit_of_tokens_is_kept() -> None:
    limiter = LocalRateLimiter(RateLimit(tokens=6_000, now=0.0))
    provider = FaultyProvider(RATE, {})
    _, seconds = ask(provider, questions(60), limiter=limiter)
    assert 110 < seconds < 130  # 200 tokens for an answer that was never seen


@pytest.mark.parametrize(("error", "attempts"), [(ProviderError("?"), 3), (CellmageError("?"), 3)])
def test_unknown_failures_are_tried_again_a_few_times(error: Exception, attempts: int) -> None:
    provider = ScriptedProvider([error])
    results, _ = ask(provider, questions(1))
    assert (results[0].attempts, len(provider.requests)) == (attempts, attempts)


def test_a_budget_ends_the_asking() -> None:
    spending = Spending(0.5)
    spending.spent = spending._limit or spending.spent
    provider = FaultyProvider(RATE, {})
    results, _ = ask(provider, questions(20), spending=spending)
    assert not provider.times
    assert {result.error.kind for result in results if result.error} == {"spend_limit"}


def test_a_price_that_is_not_known_ends_a_budget() -> None:
    """The server is not on this machine, and its model is on no list."""
    provider = FaultyProvider(RATE, {})
    provider.name = "models.example.org"
    results, _ = ask(provider, questions(200), spending=Spending(0.5))
    assert len(provider.times) <= 40
    assert "price" in str(results[-1].error)


def test_a_stall_is_noticed_by_how_long_other_rows_take() -> None:
    provider = FaultyProvider(RATE, {"stall": 0.05})
    register("faulty", provider)
    task = RowTask(Options(model="faulty"))

    async def main() -> float:
        rows = answer_rows(task, questions(300), concurrency=10)
        assert len([result.value async for result in rows]) == 300
        return asyncio.get_running_loop().time()

    # By the usual limits each of the fifteen stalled rows would take two minutes.
    assert run_virtual(main()) < 200


def test_counts_tell_the_budget() -> None:
    assert Counts(10, budget=Decimal(5)).describe() == "0 of 10 rows, $0.00 of $5.00"
