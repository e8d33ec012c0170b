from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress

import pytest

from cellmage.runtime.interrupts import interrupt_main_thread
from cellmage.runtime.time_limit import run_within


def test_a_value_and_an_error_arrive() -> None:
    assert run_within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        run_within(5, lambda: 1 / 0)


def leave() -> None:
    raise SystemExit(3)


def test_no_function_ends_the_process() -> None:
    with pytest.raises(RuntimeError, match="SystemExit"):
        run_within(5, leave)


def turn(seen: list[int]) -> None:
    while True:
        seen.append(1)
        time.sleep(0.001)


def test_a_function_that_turns_is_ended() -> None:
    seen: list[int] = []
    with pytest.raises(TimeoutError, match=r"longer than 0\.05 s"):
        run_within(0.05, lambda: turn(seen))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        count = len(seen)
        time.sleep(0.1)
        if len(seen) == count:
            return
    pytest.fail("the function still runs")


def refuse_to_end(is_over: threading.Event) -> None:
    while not is_over.is_set():
        with suppress(BaseException):
            time.sleep(0.001)


def test_a_function_that_catches_everything_is_left() -> None:
    is_over = threading.Event()
    with pytest.raises(TimeoutError):
        run_within(0.05, lambda: refuse_to_end(is_over))
    is_over.set()


def test_the_user_may_interrupt() -> None:
    is_over = threading.Event()
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.05, interrupt_main_thread).start()
        with pytest.raises(KeyboardInterrupt):
            run_within(60, lambda: is_over.wait(60))
    finally:
        signal.signal(signal.SIGINT, previous)
        is_over.set()
