"""Every fault in every API: the text that is read, the error, and the turn that is kept."""

from __future__ import annotations

import pytest

from cellmage import CellmageError, Conversation, Options, Token
from cellmage.providers.apis import APIS as DECODERS
from cellmage.testing import ScriptedServer, speed_up_retries
from tests.contract.apis import APIS
from tests.contract.faults import (
    LIMITS,
    SCALE,
    Case,
    address,
    in_all_apis,
    load,
    select_cases,
)
from tests.contract.readers import READERS, read_result
from tests.contract.results import problems
from tests.message_rules import message_violations

PYTHON = [
    (case, reader)
    for reader, chat_count, count in (("sync", 1000, 40), ("async", 30, 10), ("events", 30, 10))
    for case in select_cases(chat_count, count)
]


def test_sizes_of_reads_do_not_matter() -> None:
    """The pure decoder has the same result for the same bytes in pieces of other sizes."""
    for case in in_all_apis(load()):
        if case.http["status"] != 200 or case.group in ("size", "connect"):
            continue
        body = b"".join(step for step in case.reply().steps if isinstance(step, bytes))
        results = [decode(case.api, body, size) for size in (1, 2, 3, 7, 64, 10_000)]
        assert all(result == results[0] for result in results), case.name


def decode(api: str, body: bytes, size: int) -> tuple[str, str]:
    """Return the text, and the error or "complete"."""
    decoder, text = DECODERS[api].decoder(False, "text/event-stream"), ""
    try:
        for start in range(0, len(body), size):
            for event in decoder.feed(body[start : start + size]):
                text += event.text if isinstance(event, Token) else ""
        for event in decoder.close():
            text += event.text if isinstance(event, Token) else ""
    except CellmageError as error:
        return text, str(error)
    return text, "complete"


@pytest.mark.parametrize(
    ("case", "reader"), PYTHON, ids=[f"{case.name}-{reader}" for case, reader in PYTHON]
)
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
    chat = Conversation(Options(model="m", api=case.api, **LIMITS), turns=case.earlier_turns)
    with speed_up_retries(1 / SCALE):
        result = read_result(chat, READERS[reader], server, case.offered_tools)
    assert problems(case, result) == []
    has_content = case.expect["history"] in ("commit", "partial") and bool(result.text)
    assert len(chat.turns) == len(case.earlier_turns) + has_content
    if case.earlier_turns:
        sizes = [len(APIS[case.api].messages(exchange.body)) for exchange in server.exchanges]
        assert len(sizes) == 2, "asked once more"
        assert sizes[0] > sizes[1], "without older turns"
    if server.exchanges:
        assert server.last.finished.wait(2), "the connection is closed"
    if case.end != "config":
        check_next_request(chat, server, case.api)


def check_next_request(chat: Conversation, server: ScriptedServer, api: str) -> None:
    """Ask again as a strict server sees it: no empty message, and the roles in turn."""
    has_turns = bool(chat.turns)
    server.play(*APIS[api].answer("fine"))
    assert chat.ask("next", base_url=server.url).text == "fine"
    messages = APIS[api].messages(server.last.body)
    assert message_violations(messages) == []
    assert (len(messages) > 1) == has_turns
