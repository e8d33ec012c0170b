"""Many interrupts at random moments: nothing stays open after them."""

from __future__ import annotations

import os
import random
import time

import pytest

from cellmage.testing import ScriptedServer, chunk
from tests.kernel.client import Kernel, Run

COUNT = int(os.environ.get("INTERRUPTS", "20"))

# What the kernel holds: threads, tasks of the background loop, and open sockets.
COUNTS = """
import asyncio, gc, os, threading
from contextlib import suppress
from cellmage.runtime.loop import background_loop
def links():
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            yield os.readlink(f"/proc/self/fd/{fd}")
def counts():
    gc.collect()
    sockets = sum(link.startswith("socket:") for link in links())
    return threading.active_count(), len(asyncio.all_tasks(background_loop())), sockets
def names():
    return sorted(thread.name for thread in threading.enumerate())
"""


@pytest.mark.slow
def test_many_interrupts(kernel: Kernel, server: ScriptedServer) -> None:
    """At random moments: before the head, before the first token, within the answer."""
    chance = random.Random(7)
    server.play(0.05, *[step for _ in range(500) for step in (chunk("word "), 0.01)])
    asks = ["%%llm\nGo", "for n in range(9):\n    %llm Go", "for text in chat.stream('Go'): pass"]
    kernel.run("from cellmage import Conversation\nchat = Conversation()")
    kernel.run("%%llm -m offline/echo --no-stream\nThe first, which starts the store's thread")
    kernel.run("stream = iter(chat.stream('Go'))\nnext(stream)\nstream.close()")
    assert kernel.run(COUNTS).ok
    before = after = tuple(kernel.value("counts()"))
    names = kernel.value("names()")
    for number in range(COUNT):
        requests = len(server.exchanges)
        msg_id, run = kernel.start(asks[number % len(asks)]), Run()
        deadline = time.monotonic() + 30
        while len(server.exchanges) == requests:
            assert time.monotonic() < deadline, kernel.finish(msg_id, run).error
            time.sleep(0.001)
        time.sleep(chance.random() * 0.15)
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.reply["ename"] == "KeyboardInterrupt", run.error
        assert server.last.finished.wait(5)
        after = tuple(kernel.value("counts()"))
    assert len(server.exchanges) == COUNT + 1
    assert all(exchange.closed_at for exchange in server.exchanges)
    assert all(left <= held for left, held in zip(after, before, strict=True)), (
        before, after, set(kernel.value("names()")) - set(names)
    )  # fmt: skip
