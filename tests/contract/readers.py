"""The ways to read an answer: each asks once, and returns what it read as a `Result`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

from openai import OpenAI

from cellmage import CellmageError, Conversation, ResponseStream, Token
from cellmage.testing import ScriptedServer
from tests.contract.faults import LIMITS, SCALE
from tests.contract.results import Result
from tests.kernel.client import Kernel, Run

Reader = Callable[[ResponseStream], str]


def read_text(stream: ResponseStream) -> str:
    return "".join(stream)


def read_events(stream: ResponseStream) -> str:
    return "".join(event.text for event in stream.events if isinstance(event, Token))


def read_async(stream: ResponseStream) -> str:
    async def gather() -> str:
        return "".join([text async for text in stream])

    return asyncio.run(gather())


READERS: dict[str, Reader] = {"sync": read_text, "async": read_async, "events": read_events}


def recording_tools(names: list[str], runs: list[list[Any]]) -> list[Callable[..., str]]:
    """Return functions of these names that only record that they were run."""

    def recorder(name: str) -> Callable[..., str]:
        def run(**arguments: Any) -> str:
            runs.append([name, arguments])
            return "ok"

        run.__name__ = name
        return run

    return list(map(recorder, names))


def read_result(
    chat: Conversation, reader: Reader, server: ScriptedServer, tools: list[str] | None = None
) -> Result:
    """Ask in Python, and check that what was raised and what is kept agree."""
    started, runs = time.monotonic(), list[list[Any]]()
    try:
        stream = chat.stream("hi", tools=recording_tools(tools or [], runs), approve="always")
    except CellmageError as error:
        return Result("", None, f"{type(error).__name__}: {error}", error.kind, requests=0)
    failure: CellmageError | None = None
    try:
        text = reader(stream)
    except CellmageError as error:
        failure, text = error, error.text
    seconds, response, line = time.monotonic() - started, stream.response, ""
    assert text == response.text, "the text that was read is the text that is kept"
    if failure is not None:
        line = f"{type(failure).__name__}: {failure}"
        assert failure.host
        assert (failure.model, failure.kind) == ("m", response.incomplete_reason)
    reason, requests = response.incomplete_reason, count_questions(server)
    usage = response.usage and [response.usage.input_tokens, response.usage.output_tokens]
    return Result(text, reason, line, reason, seconds, requests, runs, response.reasoning, usage)


def count_questions(server: ScriptedServer) -> int:
    """Return how many questions a server received; a GET asks for the list of its models."""
    return sum(exchange.body is not None for exchange in server.exchanges)


def scale_limits(kernel: Kernel) -> None:
    """Scale the limits and the waits of a kernel."""
    limits = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in LIMITS.items())
    kernel.run(f"%llm_config {limits}")
    kernel.run(
        f"from cellmage.testing import speed_up_retries\nspeed_up_retries({1 / SCALE}).__enter__()"
    )


def read_in_cell(
    kernel: Kernel,
    base_url: str,
    key: str,
    server: ScriptedServer,
    *,
    tools: list[str] | None = None,
    api: str = "chat",
) -> tuple[Result, Run]:
    """Ask by the magic; return also the messages of the cell."""
    kernel.run(
        f"from tests.contract.readers import recording_tools\nruns, names = [], {tools or []}\n"
        "globals().update(zip(names, recording_tools(names, runs)))"
    )
    flags = " ".join(f"--tool {name}" for name in tools or [])
    kernel.run(f"%env OPENAI_BASE_URL={base_url}\n%env OPENAI_API_KEY={key}\n_llm = None")
    requests_before, started = count_questions(server), time.monotonic()
    run = kernel.run(f"%%llm -m m --api {api} --no-history --auto-approve {flags}\nhi")
    seconds = time.monotonic() - started
    text, reason = kernel.value("(_llm.text, _llm.incomplete_reason) if _llm else ('', None)")
    kind = "config" if run.error.startswith("ConfigError") else reason
    requests = count_questions(server) - requests_before
    return Result(text, reason, run.error, kind, seconds, requests, kernel.value("runs")), run


def read_by_sdk(base_url: str, key: str, api: str = "chat") -> Result:
    """Ask by the loop of an SDK's own documentation; it reads some faults without an end."""
    results = [Result("", "it never ended")]
    thread = Thread(target=lambda: results.append(_sdk_loop(base_url, key, api)), daemon=True)
    thread.start()
    thread.join(20)
    return results[-1]


def _sdk_loop(base_url: str, key: str, api: str) -> Result:
    texts, line, started = list[str](), "", time.monotonic()
    try:
        for text in SDK_LOOPS[api](base_url, key):
            texts.append(str(text))  # it may be a list
    except Exception as error:  # noqa: BLE001 - its user gets whatever it raises
        line = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    return Result("".join(texts), "error" if line else None, line, None, seconds)


_QUESTION: Any = [{"role": "user", "content": "hi"}]


def _chat_loop(base_url: str, key: str) -> Iterator[str]:
    client = OpenAI(base_url=base_url, api_key=key, timeout=LIMITS["idle_timeout"])
    for chunk in client.chat.completions.create(model="m", messages=_QUESTION, stream=True):
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


def _responses_loop(base_url: str, key: str) -> Iterator[str]:
    client = OpenAI(base_url=base_url, api_key=key, timeout=LIMITS["idle_timeout"])
    for event in client.responses.create(model="m", input=_QUESTION, stream=True):
        if event.type == "response.output_text.delta":
            yield event.delta


def _messages_loop(base_url: str, key: str) -> Iterator[str]:
    from anthropic import Anthropic  # noqa: PLC0415 - of the extra `dev`

    address = base_url.removesuffix("/v1")
    client = Anthropic(base_url=address, api_key=key, timeout=LIMITS["idle_timeout"])
    events = client.messages.create(model="m", messages=_QUESTION, max_tokens=99, stream=True)
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield event.delta.text


SDK_LOOPS = {"chat": _chat_loop, "responses": _responses_loop, "messages": _messages_loop}
