"""The cost of serving: `make bench`, or `python -m benchmarks.serving`.

Two hundred streams at once through ``python -m cellmage serve``, a process on loopback, by uvicorn.
Then the CPU of such a process for each chunk, beside a bare Starlette application on uvicorn that
sends as many chunks of as many bytes without any work for them. In both a chunk is one turn of the
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

MAX_GROWTH_MIB = 2.0
"""The growth of the process in these batches."""

MAX_COST_RATIO = 2.2
"""The CPU for a chunk, as a multiple of the bare application's."""

COST_STREAMS = 20
"""Streams at once in the measurement of CPU."""

COST_CHUNKS = 2_000
"""Chunks of each of these streams."""

PIECE = "word "

SERVE = ["-m", "cellmage", "serve"]
OURS = ["-m", "benchmarks.serving", "ours"]
BARE = ["-m", "benchmarks.serving", "bare"]


# In the processes that serve.


async def pieces(count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield PIECE
        await asyncio.sleep(0)


def serve_ours(port: str) -> None:
    """Run ``python -m cellmage serve`` with a model that is as quick as the loop."""
    from cellmage import register_provider  # noqa: PLC0415 - not in the bare process
    from cellmage.__main__ import main as cellmage  # noqa: PLC0415

    async def quick(request: Any) -> AsyncIterator[str]:
        async for piece in pieces(int(request.messages[-1].content)):
            yield piece

    register_provider(quick, name="quick")
    cellmage(["serve", "--port", port])


def serve_bare(port: str) -> None:
    """Run an application that sends chunks of the size that the request names."""
    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import JSONResponse, Response, StreamingResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    async def chunks(count: int, size: int) -> AsyncIterator[str]:
        async for piece in pieces(count):
            yield f"data: {piece:<{size - 8}}\n\n"

    async def completions(http: Request) -> Response:
        body = await http.json()
        count = int(body["messages"][-1]["content"])
        return StreamingResponse(chunks(count, body["size"]), media_type="text/event-stream")

    async def models(http: Request) -> Response:
        return JSONResponse({})

    routes = [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/models", models),
    ]
    uvicorn.run(Starlette(routes=routes), port=int(port), log_level="warning")


# In the process that measures.


@dataclass
class Server:
    url: str
    process: psutil.Process

    @property
    def cpu(self) -> float:
        """The CPU time of the process, in seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def mebibytes(self) -> float:
        """The resident memory of the process."""
        return float(self.process.memory_info().rss / 2**20)

    def ask(self, count: int, bodies: Iterator[dict[str, Any]]) -> list[bytes]:
        """Send so many requests at once, and return the bodies of their answers."""
        return asyncio.run(_post_all(self.url, [next(bodies) for _ in range(count)]))


@contextmanager
def start(command: list[str]) -> Iterator[Server]:
    """Run a serving process until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    option = ["--port", port] if command is SERVE else [port]
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "CELLMAGE_"))
    }
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


async def _post_all(url: str, bodies: list[dict[str, Any]]) -> list[bytes]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=120) as client:

        async def post(body: dict[str, Any]) -> bytes:
            reply = await client.post(url, json=body)
            reply.raise_for_status()
            return reply.content

        return await asyncio.gather(*map(post, bodies))


def request_body(model: str, prompt: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": model, "messages": messages, "stream": True} | fields


def answer_text(body: bytes) -> str | None:
    """Return the text of an answer; None if its end is missing."""
    *events, end = [line for line in body.decode().split("\n\n") if line]
    if end != "data: [DONE]":
        return None
    choices = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def measure_many_streams() -> None:
    texts = [" ".join(f"{index}.{n}" for n in range(WORDS)) for index in range(STREAMS)]
    complete, durations = 0, []
    with start(SERVE) as server:
        for batch in range(BATCHES + 1):
            started_at = time.perf_counter()
            bodies = server.ask(STREAMS, (request_body("offline/echo", text) for text in texts))
            durations.append(time.perf_counter() - started_at)
            complete += sum(map(str.__eq__, map(str, map(answer_text, bodies)), texts))
            if batch == 0:
                before = server.mebibytes
        after = server.mebibytes
    total, growth = STREAMS * (BATCHES + 1), after - before
    print(f"{STREAMS} streams at once of {WORDS} chunks each, 1 batch and {BATCHES} further ones")
    figure = f"{complete} of {total}"
    line("  answers complete and in order", figure, holds=complete == total)
    figure = f"{before:.1f}, {after:.1f}: {growth:+.1f} MiB"
    limit = f"at most +{MAX_GROWTH_MIB:g} MiB"
    line("  memory after the first and the last", figure, limit, growth <= MAX_GROWTH_MIB)
    line("  a batch, of which 1.5 s are the model's pace", f"{statistics.median(durations):.2f} s")


def cost(server: Server, size: int) -> float:
    """Return the CPU time for a chunk, in seconds."""
    bodies = (request_body("quick", str(COST_CHUNKS), size=size) for _ in range(COST_STREAMS))
    before = server.cpu
    answers = server.ask(COST_STREAMS, bodies)
    cpu = server.cpu - before
    assert all(answer.count(PIECE.encode()) == COST_CHUNKS for answer in answers)
    return cpu / (COST_STREAMS * COST_CHUNKS)


def microseconds(value: float) -> str:
    return f"{value * 1e6:.1f} µs"


def measure_cpu() -> None:
    with start(OURS) as ours, start(BARE) as bare:
        # The first answer also shows the size of our chunks.
        answer = ours.ask(1, iter([request_body("quick", "10")]))[0]
        size = len(next(chunk for chunk in answer.split(b"\n\n") if PIECE.encode() in chunk)) + 2
        costs = [(cost(ours, size), cost(bare, size)) for _ in range(RUNS + 1)][1:]
    print(
        f"{COST_STREAMS} streams of {COST_CHUNKS} chunks of {size} bytes at full speed, "
        f"medians of {RUNS}"
    )
    our_cost, bare_cost = (statistics.median(column) for column in zip(*costs, strict=True))
    label = "  CPU for a chunk, serve / bare Starlette"
    ratio(label, our_cost, bare_cost, MAX_COST_RATIO, microseconds)


def main() -> None:
    measure_many_streams()
    measure_cpu()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    if sys.argv[1:]:
        {"ours": serve_ours, "bare": serve_bare}[sys.argv[1]](sys.argv[2])
    else:
        main()
