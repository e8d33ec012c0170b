"""What serving costs: `make bench`, or `python -m benchmarks.serving`.

Two hundred streams at once through ``python -m cellmage serve``, a process on loopback, by uvicorn.
Then the CPU of such a process for each chunk, beside a bare Starlette application on uvicorn that
sends as many chunks of as many bytes and makes nothing of them. In both a chunk is one turn of the
event loop, and the time is that of the process, in user and kernel mode.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import psutil

from .table import line, missed, ratio

RUNS = int(os.environ.get("RUNS", "3"))
STREAMS = 200
WORDS = 100
BATCHES = 10
"""Further batches of streams, after the one that warms the process up."""

GROWTH = 2.0
"""MiB by which the process may have grown after them."""

LIMIT = 2.2
"""How much more than the bare application a chunk may cost."""

AT_ONCE, CHUNKS = 20, 2_000
PIECE = "word "

SERVE = ["-m", "cellmage", "serve"]
OURS = ["-m", "benchmarks.serving", "ours"]
BARE = ["-m", "benchmarks.serving", "bare"]


# In the processes that serve.


async def pieces(count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield PIECE
        await asyncio.sleep(0)


def ours(port: str) -> None:
    """``python -m cellmage serve`` with a model that is as quick as the loop."""
    from cellmage import provider  # noqa: PLC0415 - not in the bare process
    from cellmage.__main__ import main as cellmage  # noqa: PLC0415

    async def quick(request: Any) -> AsyncIterator[str]:
        async for piece in pieces(int(request.messages[-1].content)):
            yield piece

    provider(quick, name="quick")
    cellmage(["serve", "--port", port])


def bare(port: str) -> None:
    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import JSONResponse, Response, StreamingResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    async def sent(count: int, size: int) -> AsyncIterator[str]:
        async for piece in pieces(count):
            yield f"data: {piece:<{size - 8}}\n\n"

    async def completions(http: Request) -> Response:
        body = await http.json()
        chunks = sent(int(body["messages"][-1]["content"]), body["size"])
        return StreamingResponse(chunks, media_type="text/event-stream")

    async def models(http: Request) -> Response:
        return JSONResponse({})

    routes = [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/models", models),
    ]
    uvicorn.run(Starlette(routes=routes), port=int(port), log_level="warning")


# In the process that asks.


@dataclass
class Server:
    url: str
    process: psutil.Process

    @property
    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def mebibytes(self) -> float:
        return float(self.process.memory_info().rss / 2**20)

    def ask(self, count: int, bodies: Iterator[dict[str, Any]]) -> list[bytes]:
        """The bodies of so many answers that come at the same time."""
        return asyncio.run(_all(self.url, [next(bodies) for _ in range(count)]))


@contextmanager
def served(command: list[str]) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    option = ["--port", port] if command is SERVE else [port]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    process = subprocess.Popen([sys.executable, *command, *option], env=env)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _wait(f"{url}/models")
        yield Server(f"{url}/chat/completions", psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


async def _all(url: str, bodies: list[dict[str, Any]]) -> list[bytes]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=120) as client:

        async def ask(body: dict[str, Any]) -> bytes:
            reply = await client.post(url, json=body)
            reply.raise_for_status()
            return reply.content

        return await asyncio.gather(*map(ask, bodies))


def asked(model: str, prompt: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": model, "messages": messages, "stream": True} | more


def text_of(body: bytes) -> str | None:
    """The text of an answer; None when it did not come to its end."""
    *events, end = [line for line in body.decode().split("\n\n") if line]
    if end != "data: [DONE]":
        return None
    choices = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def at_once() -> None:
    texts = [" ".join(f"{number}.{n}" for n in range(WORDS)) for number in range(STREAMS)]
    whole, took = 0, []
    with served(SERVE) as server:
        for batch in range(BATCHES + 1):
            began = time.perf_counter()
            bodies = server.ask(STREAMS, (asked("offline/echo", text) for text in texts))
            took.append(time.perf_counter() - began)
            whole += sum(map(str.__eq__, map(str, map(text_of, bodies)), texts))
            if batch == 0:
                before = server.mebibytes
        after = server.mebibytes
    wanted = STREAMS * (BATCHES + 1)
    print(f"{STREAMS} streams at once of {WORDS} chunks each, 1 batch and {BATCHES} further ones")
    line("  answers whole and in order", f"{whole} of {wanted}", holds=whole == wanted)
    figure = f"{before:.1f}, {after:.1f}: {after - before:+.1f} MiB"
    fits = after - before <= GROWTH
    line("  memory after the first and the last", figure, f"at most +{GROWTH:g} MiB", fits)
    line("  a batch, of which 1.5 s are the model's pace", f"{statistics.median(took):.2f} s")


def cost(server: Server, size: int) -> float:
    """Seconds of CPU for a chunk."""
    bodies = (asked("quick", str(CHUNKS), size=size) for _ in range(AT_ONCE))
    before = server.cpu
    answers = server.ask(AT_ONCE, bodies)
    spent = server.cpu - before
    assert all(answer.count(PIECE.encode()) == CHUNKS for answer in answers)
    return spent / (AT_ONCE * CHUNKS)


def microseconds(value: float) -> str:
    return f"{value * 1e6:.1f} µs"


def per_chunk() -> None:
    with served(OURS) as mine, served(BARE) as other:
        # The first answer also says how long a chunk of ours is.
        answer = mine.ask(1, iter([asked("quick", "10")]))[0]
        size = len(next(each for each in answer.split(b"\n\n") if PIECE.encode() in each)) + 2
        costs = [(cost(mine, size), cost(other, size)) for _ in range(RUNS + 1)][1:]
    print(f"{AT_ONCE} streams of {CHUNKS} chunks of {size} bytes at full speed, medians of {RUNS}")
    of_mine, of_other = (statistics.median(each) for each in zip(*costs, strict=True))
    ratio("  CPU for a chunk, serve / bare Starlette", of_mine, of_other, LIMIT, microseconds)


def main() -> None:
    at_once()
    per_chunk()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    if sys.argv[1:]:
        {"ours": ours, "bare": bare}[sys.argv[1]](sys.argv[2])
    else:
        main()
