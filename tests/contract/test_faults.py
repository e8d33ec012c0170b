"""Every fault, by every way to read an answer: what is shown, what is raised, what is kept."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from cellmage import CellmageError, Conversation, Options, ResponseStream, Token
from cellmage.providers.answer import AnswerDecoder
from cellmage.stages import retries
from tests.contract.faults import LIMITS, SCALE, Case, Result, address, load, problems
from tests.kernel.client import Kernel
from tests.server import Reply, ScriptedServer, answer

CASES = load()
BY_ID = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@pytest.fixture(scope="session")
def secure_url() -> Iterator[str]:
    """A server whose certificate nobody here trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ScriptedServer(context) as running:
        yield running.url


def read(stream: ResponseStream) -> str:
    return "".join(stream)


def read_events(stream: ResponseStream) -> str:
    return "".join(event.text for event in stream.events if isinstance(event, Token))


def read_async(stream: ResponseStream) -> str:
    async def gather() -> str:
        return "".join([text async for text in stream])

    return asyncio.run(gather())


def test_sizes_of_reads_do_not_matter() -> None:
    """The pure decoder, fed with the same bytes in pieces of other sizes."""
    for case in CASES:
        if case.http["status"] != 200 or case.group in ("size", "connect"):
            continue
        body = b"".join(step for step in case.reply().steps if isinstance(step, bytes))
        results = [decoded(body, size) for size in (1, 2, 3, 7, 64, 10_000)]
        assert all(result == results[0] for result in results), case.id


def decoded(body: bytes, size: int) -> tuple[str, str]:
    decoder, text = AnswerDecoder(), ""
    try:
        for start in range(0, len(body), size):
            for event in decoder.feed(body[start : start + size]):
                text += event.text if isinstance(event, Token) else ""
        for event in decoder.close():
            text += event.text if isinstance(event, Token) else ""
    except CellmageError as error:
        return text, str(error)
    return text, "complete"


@pytest.mark.parametrize("face", [read, read_async, read_events])
@BY_ID
def test_python(
    case: Case,
    face: Callable[[ResponseStream], str],
    server: ScriptedServer,
    secure_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base_url, key = address(case, server.url, secure_url)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setattr(retries, "SECOND", SCALE)
    server.play_for(lambda exchange: case.reply())
    chat = Conversation(Options(model="m", **LIMITS))
    got = result_of(chat, face, server)
    assert problems(case, got) == []
    is_kept = case.expect["history"] in ("commit", "partial") and bool(got.text)
    assert len(chat.turns) == is_kept
    if server.exchanges:
        assert server.last.over.wait(0.5), "the server sees the end"
    if case.end != "config":
        the_next_is_accepted(chat, server, is_kept)


def result_of(
    chat: Conversation, face: Callable[[ResponseStream], str], server: ScriptedServer
) -> Result:
    began = time.monotonic()
    try:
        stream = chat.stream("hi")
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
        assert (failure.model, failure.kind) == ("m", response.partial)
    return Result(text, response.partial, line, response.partial, took, len(server.exchanges))


def the_next_is_accepted(chat: Conversation, server: ScriptedServer, is_kept: bool) -> None:
    """By a strict server: no empty message, and roles in turn."""
    server.play_for(lambda exchange: Reply(answer("fine")))
    assert chat.ask("next", base_url=server.url).text == "fine"
    roles = [role for role, _ in server.last.messages]
    assert roles == ["user", "assistant"] * is_kept + ["user"]
    assert all(content for _, content in server.last.messages)


@pytest.fixture
def hasty(kernel: Kernel) -> Kernel:
    limits = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in LIMITS.items())
    kernel.run(f"%llm_config {limits}")
    kernel.run(f"import cellmage.stages.retries as r\nr.SECOND = {SCALE}")
    return kernel


@BY_ID
def test_magic(case: Case, hasty: Kernel, server: ScriptedServer, secure_url: str) -> None:
    base_url, key = address(case, server.url, secure_url)
    hasty.run(f"%env OPENAI_BASE_URL={base_url}\n%env OPENAI_API_KEY={key}\n_llm = None")
    server.play_for(lambda exchange: case.reply())
    began = time.monotonic()
    run = hasty.run("%%llm -m m\nhi")
    took = time.monotonic() - began
    text, partial = hasty.value("(_llm.text, _llm.partial) if _llm else ('', None)")
    kind = "config" if case.end == "config" else partial
    got = Result(text, partial, run.error, kind, took, len(server.exchanges))
    assert problems(case, got) == []
    shown = [output["data"].get("text/plain", "") for output in run.outputs]
    assert "".join(shown).startswith("".join(c for c in text if c.isprintable() or c == "\n"))
    assert not any("▌" in output["data"]["text/markdown"] for output in run.outputs)
    assert "\n" not in run.error, "one line"
    if got.outcome in ("partial", "complete_warn") and not run.error:
        assert len(shown) > bool(text), "the reader is told"
