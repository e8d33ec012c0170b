"""Every fault, by every reader: the text that is shown, the error, and the turn that is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cellmage import CellmageError, Conversation, Options, Token
from cellmage.providers.chat_completions import ChatCompletionDecoder
from cellmage.testing import ScriptedServer, answer, speed_up_retries
from tests.contract.faults import LIMITS, SCALE, Case, address, load, problems, untrusted_server
from tests.contract.readers import READERS, read_in_cell, read_result, scale_limits
from tests.kernel.client import Kernel
from tests.message_rules import violations

CASES = load()
BY_ID = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@pytest.fixture(scope="session")
def secure_url() -> Iterator[str]:
    with untrusted_server() as server:
        yield server.url


def test_sizes_of_reads_do_not_matter() -> None:
    """The pure decoder has the same result for the same bytes in pieces of other sizes."""
    for case in CASES:
        if case.http["status"] != 200 or case.group in ("size", "connect"):
            continue
        body = b"".join(step for step in case.reply().steps if isinstance(step, bytes))
        results = [decode(body, size) for size in (1, 2, 3, 7, 64, 10_000)]
        assert all(result == results[0] for result in results), case.id


def decode(body: bytes, size: int) -> tuple[str, str]:
    """Return the text, and the error or "complete"."""
    decoder, text = ChatCompletionDecoder(), ""
    try:
        for start in range(0, len(body), size):
            for event in decoder.feed(body[start : start + size]):
                text += event.text if isinstance(event, Token) else ""
        for event in decoder.close():
            text += event.text if isinstance(event, Token) else ""
    except CellmageError as error:
        return text, str(error)
    return text, "complete"


@pytest.mark.parametrize("reader", READERS)
@BY_ID
def test_python(
    case: Case,
    reader: str,
    server: ScriptedServer,
    secure_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = case.with_fewer_chunks()
    base_url, key = address(case, server.url, secure_url)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    server.play_with(case.reply_to)
    chat = Conversation(Options(model="m", **LIMITS), turns=case.earlier_turns)
    with speed_up_retries(1 / SCALE):
        result = read_result(chat, READERS[reader], server, case.offered_tools)
    assert problems(case, result) == []
    has_content = case.expect["history"] in ("commit", "partial") and bool(result.text)
    assert len(chat.turns) == len(case.earlier_turns) + has_content
    if case.earlier_turns:
        sizes = [len(exchange.messages) for exchange in server.exchanges]
        assert len(sizes) == 2, "asked once more"
        assert sizes[0] > sizes[1], "without older turns"
    if server.exchanges:
        assert server.last.finished.wait(0.5), "the connection is closed"
    if case.end != "config":
        check_next_request(chat, server)


def check_next_request(chat: Conversation, server: ScriptedServer) -> None:
    """Ask again as a strict server sees it: no empty message, and the roles in turn."""
    has_turns = bool(chat.turns)
    server.play(*answer("fine"))
    assert chat.ask("next", base_url=server.url).text == "fine"
    assert violations(server.last) == []
    assert (len(server.last.messages) > 1) == has_turns


@pytest.fixture
def hasty(kernel: Kernel) -> Kernel:
    scale_limits(kernel)
    return kernel


@BY_ID
def test_magic(case: Case, hasty: Kernel, server: ScriptedServer, secure_url: str) -> None:
    case = case.with_fewer_chunks()
    server.play_with(case.reply_to)
    base_url, key = address(case, server.url, secure_url)
    result, run = read_in_cell(hasty, base_url, key, server, case.offered_tools)
    assert problems(case, result) == []
    outputs = [output["data"].get("text/plain", "") for output in run.outputs]
    visible = "".join(c for c in result.text if c.isprintable() or c == "\n")
    assert "".join(outputs).startswith(visible)
    assert not any("▌" in output["data"]["text/markdown"] for output in run.outputs)
    assert "\n" not in run.error, "one line"
    if result.outcome in ("partial", "complete_warn") and not run.error:
        assert len(outputs) > bool(result.text), "a notice follows the text"
