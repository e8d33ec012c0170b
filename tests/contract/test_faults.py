"""Every fault, by every way to read an answer: what is shown, what is raised, what is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cellmage import CellmageError, Conversation, Options, Token
from cellmage.providers.chat_completions import AnswerDecoder
from cellmage.testing import Reply, ScriptedServer, answer, speed_up_retries
from tests.contract.faults import LIMITS, SCALE, Case, address, load, problems, untrusted_server
from tests.contract.readers import FACES, hurry, in_cell, result_of
from tests.kernel.client import Kernel
from tests.message_rules import violations

CASES = load()
BY_ID = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@pytest.fixture(scope="session")
def secure_url() -> Iterator[str]:
    with untrusted_server() as running:
        yield running.url


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


@pytest.mark.parametrize("face", FACES)
@BY_ID
def test_python(
    case: Case,
    face: str,
    server: ScriptedServer,
    secure_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base_url, key = address(case, server.url, secure_url)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    server.play_with(case.answer)
    chat = Conversation(Options(model="m", **LIMITS))
    with speed_up_retries(1 / SCALE):
        got = result_of(chat, FACES[face], server, case.tools)
    assert problems(case, got) == []
    has_content = case.expect["history"] in ("commit", "partial") and bool(got.text)
    assert len(chat.turns) == has_content
    if server.exchanges:
        assert server.last.finished.wait(0.5), "the server sees the end"
    if case.end != "config":
        the_next_is_accepted(chat, server, has_content)


def the_next_is_accepted(chat: Conversation, server: ScriptedServer, has_content: bool) -> None:
    """By a strict server: no empty message, and roles in turn."""
    server.play_with(lambda exchange: Reply(answer("fine")))
    assert chat.ask("next", base_url=server.url).text == "fine"
    assert violations(server.last) == []
    assert (len(server.last.messages) > 1) == has_content


@pytest.fixture
def hasty(kernel: Kernel) -> Kernel:
    hurry(kernel)
    return kernel


@BY_ID
def test_magic(case: Case, hasty: Kernel, server: ScriptedServer, secure_url: str) -> None:
    server.play_with(case.answer)
    where = address(case, server.url, secure_url)
    got, run = in_cell(hasty, *where, server, case.tools)
    assert problems(case, got) == []
    shown = [output["data"].get("text/plain", "") for output in run.outputs]
    visible = "".join(c for c in got.text if c.isprintable() or c == "\n")
    assert "".join(shown).startswith(visible)
    assert not any("▌" in output["data"]["text/markdown"] for output in run.outputs)
    assert "\n" not in run.error, "one line"
    if got.outcome in ("partial", "complete_warn") and not run.error:
        assert len(shown) > bool(got.text), "the reader is told"
