"""No variable that a traceback shows contains a key: pytest -l, %xmode Verbose, error trackers."""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cellmage
from cellmage import CellmageError, Conversation
from cellmage.providers.keystore import key_file_path
from cellmage.providers.tracebacks import drop_foreign_frames
from cellmage.testing import Reply, ScriptedServer, chunk, sse

OWN, OTHER, PASSWORD = "sk-test-of-this-server-0001", "gsk_test_of_another_0002", "hunter2-0003"
ECHO = sse(f'{{"error": {{"message": "bad key {OWN}"}}}}')
PACKAGE = str(Path(cellmage.__file__).parent)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and all that were raised before it, suppressed or not."""
    while error is not None:
        yield error
        yield from chain(error.__cause__)
        error = error.__context__


def variables(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield what a tracker shows of our frames: each variable, and its attributes."""
    for raised in chain(error):
        for frame, _ in traceback.walk_tb(raised.__traceback__):
            file = frame.f_code.co_filename
            if "/tests/" in file or "/_pytest/" in file:
                continue
            for name, value in frame.f_locals.items():
                if isinstance(value, ModuleType):
                    continue
                place = f"{Path(file).name}:{frame.f_code.co_name}:{name}"
                yield place, repr(value)
                slots = [n for cls in type(value).__mro__ for n in getattr(cls, "__slots__", ())]
                for attribute in [*getattr(value, "__dict__", {}), *slots]:
                    yield f"{place}.{attribute}", repr(getattr(value, attribute, ""))


def fail_with(status: int, **headers: str) -> Callable[[ScriptedServer], None]:
    body = f'{{"error": {{"message": "bad key {OWN}"}}}}'.encode()
    return lambda server: server.play(
        body, status=status, headers=headers, content_type="application/json"
    )


def refuse_key_file(server: ScriptedServer) -> None:
    write_key_file(b"\xff" + OWN.encode())


def open_key_file(server: ScriptedServer) -> None:
    write_key_file(f"GROQ_API_KEY={OTHER}\n".encode())
    key_file_path().chmod(0o644)


def write_key_file(data: bytes) -> None:
    key_file_path().parent.mkdir(parents=True, exist_ok=True)
    key_file_path().write_bytes(data)
    key_file_path().chmod(0o600)


def set_variable(name: str, value: str) -> Callable[[ScriptedServer], None]:
    return lambda server: os.environ.update({name: value})


Case = tuple[Callable[[ScriptedServer], Any], dict[str, Any]]

CASES: dict[str, Case] = {
    "auth": (fail_with(401), {}),
    "server": (fail_with(400), {}),
    "redirect": (fail_with(307, location="https://elsewhere.example"), {}),
    "web page": (lambda server: server.play(b"<html>", content_type="text/html"), {}),
    "cut": (lambda server: server.play(b"data: {", end="reset"), {}),
    "cut answer": (lambda server: server.play(chunk("a"), end="reset"), {}),
    "error in the stream": (lambda server: server.play(ECHO), {}),
    "no reply": (lambda server: server.play(transfer="none"), {}),
    "first byte": (lambda server: server.play_with(slow), {"first_byte_timeout": 0.1}),
    "first token": (lambda server: server.play(1.0), {"timeout": 0.1}),
    "no server": (lambda server: None, {"base_url": "http://127.0.0.1:9/v1"}),
    "plain http": (lambda server: None, {"base_url": "http://models.test/v1"}),
    "bad address": (lambda server: None, {"base_url": "ftp://models.test/v1"}),
    "no key": (set_variable("OPENAI_BASE_URL", ""), {"model": "xai/grok"}),
    "unknown model": (lambda server: None, {"model": "offline/none"}),
    "proxy": (set_variable("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:9"), {"base_url": "https://models.test/v1"}),
    "bad proxy": (set_variable("HTTPS_PROXY", f"ftp://me:{PASSWORD}@127.0.0.1:9"), {"base_url": "https://models.test/v1"}),
    "certificates": (set_variable("SSL_CERT_FILE", "/nope"), {"base_url": "https://models.test/v1"}),
    "impossible key": (set_variable("OPENAI_API_KEY", f"{OWN} {OWN}"), {}),
    "key file": (refuse_key_file, {"model": "xai/grok"}),
    "open key file": (open_key_file, {"model": "xai/grok"}),
}  # fmt: skip


def slow(exchange: object) -> Reply:
    time.sleep(0.5)
    return Reply()


@pytest.fixture
def _keys(connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "SSL_CERT_FILE"):  # set by a case: undone with the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", OWN)
    monkeypatch.setenv("GROQ_API_KEY", OTHER)


async def read(options: dict[str, Any]) -> None:
    async for _ in Conversation().astream("hi", **options):
        pass


READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "sync": lambda options: Conversation().ask("hi", **options),
    "async": lambda options: asyncio.run(read(options)),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("_keys")
def test_no_variable_shows_a_key(case: str, reader: str, connected: ScriptedServer) -> None:
    prepare, options = CASES[case]
    prepare(connected)
    with pytest.raises(CellmageError) as caught:
        READERS[reader]({"model": "m", **options})
    check(caught.value)


@pytest.mark.parametrize("has_begun", [False, True])
@pytest.mark.usefixtures("_keys")
def test_a_cancelled_answer_shows_no_key(has_begun: bool, connected: ScriptedServer) -> None:
    """A cancellation passes the frames of the HTTP library, which have the key in a header."""
    steps = [b": a comment\n\n", 2.0] if has_begun else []
    connected.play_with(lambda exchange: Reply(steps) if has_begun else slow(exchange))

    async def read_for_a_while() -> None:
        async with asyncio.timeout(0.3):
            await read({"model": "m"})

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(read_for_a_while())
    check(caught.value)


def check(error: BaseException) -> None:
    shown = list(variables(error))
    assert shown
    secrets = (OWN, OTHER, PASSWORD)
    assert [(place, text) for place, text in shown if any(s in text for s in secrets)] == []


def test_own_frames_stay() -> None:
    try:
        cellmage.Options(model="m", temperature="hot")  # type: ignore[arg-type]
    except CellmageError as error:
        drop_foreign_frames(error)
        files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert files
        assert all(file.startswith(PACKAGE) for file in files)
