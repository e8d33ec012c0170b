"""The ways to read an answer: each asks once, and says what the reader got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from openai import OpenAI

from cellmage import CellmageError, Conversation, ResponseStream, Token
from cellmage.testing import ScriptedServer
from tests.contract.faults import LIMITS, SCALE, Result
from tests.kernel.client import Kernel, Run

Face = Callable[[ResponseStream], str]


def read(stream: ResponseStream) -> str:
    return "".join(stream)


def read_events(stream: ResponseStream) -> str:
    return "".join(event.text for event in stream.events if isinstance(event, Token))


def read_async(stream: ResponseStream) -> str:
    async def gather() -> str:
        return "".join([text async for text in stream])

    return asyncio.run(gather())


FACES: dict[str, Face] = {"sync": read, "async": read_async, "events": read_events}


def recorders(names: list[str], runs: list[list[Any]]) -> list[Callable[..., str]]:
    """Functions of these names that only write down that they were run."""

    def recorder(name: str) -> Callable[..., str]:
        def run(**arguments: Any) -> str:
            runs.append([name, arguments])
            return "ok"

        run.__name__ = name
        return run

    return list(map(recorder, names))


def result_of(
    chat: Conversation, face: Face, server: ScriptedServer, tools: list[str] | None = None
) -> Result:
    began, runs = time.monotonic(), list[list[Any]]()
    try:
        stream = chat.stream("hi", tools=recorders(tools or [], runs), approve="always")
    except CellmageError as error:
        return Result("", None, f"{type(error).__name__}: {error}", error.kind, requests=0)
    failure: CellmageError | None = None
    try:
        text = face(stream)
    except CellmageError as error:
        failure, text = error, error.text
    took, response, line = time.monotonic() - began, stream.response, ""
    assert text == response.text, "what was given is what is kept"
    if failure is not None:
        line = f"{type(failure).__name__}: {failure}"
        assert failure.host
        assert (failure.model, failure.kind) == ("m", response.incomplete_reason)
    requests = len(server.exchanges)
    return Result(
        text, response.incomplete_reason, line, response.incomplete_reason, took, requests, runs
    )


def hurry(kernel: Kernel) -> None:
    """Scale the limits and the waits of a kernel."""
    limits = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in LIMITS.items())
    kernel.run(f"%llm_config {limits}")
    kernel.run(
        f"from cellmage.testing import speed_up_retries\nspeed_up_retries({1 / SCALE}).__enter__()"
    )


def in_cell(
    kernel: Kernel, base_url: str, key: str, server: ScriptedServer, tools: list[str] | None = None
) -> tuple[Result, Run]:
    """What a cell shows, and leaves behind."""
    kernel.run(
        f"from tests.contract.readers import recorders\nruns, names = [], {tools or []}\n"
        "globals().update(zip(names, recorders(names, runs)))"
    )
    flags = " ".join(f"--tool {name}" for name in tools or [])
    kernel.run(f"%env OPENAI_BASE_URL={base_url}\n%env OPENAI_API_KEY={key}\n_llm = None")
    before, began = len(server.exchanges), time.monotonic()
    run = kernel.run(f"%%llm -m m --no-history --auto-approve {flags}\nhi")
    took = time.monotonic() - began
    text, partial = kernel.value("(_llm.text, _llm.incomplete_reason) if _llm else ('', None)")
    kind = "config" if run.error.startswith("ConfigError") else partial
    requests = len(server.exchanges) - before
    return Result(text, partial, run.error, kind, took, requests, kernel.value("runs")), run


def sdk_loop(base_url: str, key: str) -> Result:
    """The loop of the SDK's own documentation; some faults it reads for ever."""
    found = [Result("", "it never ended")]
    thread = Thread(target=lambda: found.append(_sdk_loop(base_url, key)), daemon=True)
    thread.start()
    thread.join(20)
    return found[-1]


def _sdk_loop(base_url: str, key: str) -> Result:
    text, error_line, began = "", "", time.monotonic()
    try:
        client = OpenAI(base_url=base_url, api_key=key, timeout=LIMITS["idle_timeout"])
        messages = [{"role": "user", "content": "hi"}]
        for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                text += chunk.choices[0].delta.content
    except Exception as error:  # noqa: BLE001 - whatever it is, the reader gets it
        error_line = f"{type(error).__name__}: {error}"
    took = time.monotonic() - began
    return Result(text, "error" if error_line else None, error_line, None, took)
