"""What a tool reports arrives in order, and a run that is left is ended."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.events import Notice, Status
from cellmage.tool_progress import current_report, run_with_reports

events = st.lists(
    st.builds(Status, st.text("ab", max_size=2)) | st.builds(Notice, st.just("mcp"), st.text("ab"))
)


@given(reported=events, is_slow=st.booleans(), is_on_thread=st.booleans())
def test_notices_and_the_newest_status_arrive_in_order(
    reported: list[Status | Notice], is_slow: bool, is_on_thread: bool
) -> None:
    async def work() -> str:
        report = current_report()
        for event in reported:
            if is_on_thread:
                thread = threading.Thread(target=report, args=(event,))
                thread.start()
                thread.join()
            else:
                report(event)
            if is_slow:
                for _ in range(3):
                    await asyncio.sleep(0)
        return "done"

    async def collect() -> list[Status | Notice | str]:
        return [event async for event in run_with_reports(work())]

    *arrived, result = asyncio.run(collect())
    assert result == "done"
    rest = iter(reported)
    assert all(any(event is other for other in rest) for event in arrived)  # in order
    assert [e for e in arrived if isinstance(e, Notice)] == [
        e for e in reported if isinstance(e, Notice)
    ]
    assert arrived[-1:] == reported[-1:]


def test_without_a_run_a_report_goes_nowhere() -> None:
    current_report()(Status("nobody listens"))


def test_a_run_that_is_left_is_cancelled_and_awaited() -> None:
    ends: list[str] = []

    async def work() -> str:
        current_report()(Status("begun"))
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ends.append("ended")
        return "never"

    async def leave() -> None:
        async with aclosing(run_with_reports(work())) as run:
            async for _ in run:
                break
        assert ends == ["ended"]

    asyncio.run(leave())


def test_an_error_is_raised() -> None:
    async def work() -> str:
        raise ValueError("no")

    async def collect() -> None:
        async for _ in run_with_reports(work()):
            pass

    with pytest.raises(ValueError, match="no"):
        asyncio.run(collect())
