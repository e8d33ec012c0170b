"""The quirks of servers, over real HTTP and cut anywhere: what is kept, shown and said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellmageError, Conversation, Options, Response
from cellmage.events import Event, Notice, ToolCall
from cellmage.messages import Timings
from cellmage.providers.chat_completions import ChatCompletionDecoder
from cellmage.stream.accumulator import accumulate
from cellmage.testing import Exchange, Reply, ScriptedServer, answer, sse
from tests.contract.readers import recording_tools
from tests.kernel.client import Kernel
from tests.message_rules import violations
from tests.repetitions import repeat
from tests.test_sse import cut

DATA = Path(__file__).parents[1] / "data"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for name in ("dialects.json", "report_streams.json")
    for case in json.loads((DATA / name).read_text())["cases"]
}
BY_ID = pytest.mark.parametrize("case_id", CASES)


@dataclass
class Result:
    """What is left of an answer.

    Attributes:
        response: the answer; its text counts without the second step of an answer with tools.
        notices: the kinds of its notices.
        error: the error, if it failed.
        calls: the tools that ran, each with its arguments.
    """

    response: Response
    notices: list[str]
    error: CellmageError | None
    calls: list[Any]

    @property
    def outcome(self) -> str:
        """The outcome in the words of the file."""
        if self.error or self.response.incomplete_reason:
            return "partial" if self.response.text else "failed"
        return "complete_warn" if self.notices else "complete"

    @property
    def kinds(self) -> list[str | None]:
        """The kinds of the error, the response and the notices."""
        error = [self.error.kind] if self.error else []
        return [*error, self.response.incomplete_reason, *self.notices]

    @property
    def everything(self) -> str:
        """All text that a user may see."""
        return f"{self.response} {self.error}"


def body_of(case: dict[str, Any]) -> bytes:
    return case["body"].encode() if "body" in case else b"".join(map(sse, case["data"]))


def reply_to(case: dict[str, Any], exchange: Exchange) -> Reply:
    """Return the case's reply; the results of tools are answered with "done"."""
    if exchange.body is None:  # the list of models, for a model that is not found
        return Reply(status=404)
    if exchange.body["messages"][-1]["role"] == "tool":
        return Reply(answer("done"))
    return Reply([body_of(case)], content_type=case.get("content_type", "text/event-stream"))


def problems(expect: dict[str, Any], result: Result) -> list[str]:
    """Return the differences between a result and what the case expects."""
    response, kinds = result.response, result.kinds
    usage = response.usage and [response.usage.input_tokens, response.usage.output_tokens]
    sources = [document.source for document in response.sources]
    actual = {
        "text": response.text,
        "reasoning": response.reasoning,
        "calls": result.calls,
        "sources": sources,
        "finish": response.finish_reason,
        "usage": usage,
    }
    lines = [
        f"{name}: {value!r}" for name, value in actual.items() if expect.get(name, value) != value
    ]
    if result.outcome not in expect.get("outcome", result.outcome).split(" or "):
        lines.append(f"outcome: {result.outcome}")
    if expect.get("kind", kinds[0]) not in kinds:
        lines.append(f"kinds: {kinds}")
    if expect.get("says", "") not in result.everything:
        lines.append(f"says: {result.everything}")
    return lines + [word for word in expect.get("never", ()) if word in result.everything]


def read(server: ScriptedServer, case: dict[str, Any], chat: Conversation) -> Result:
    """Ask over HTTP, and return what is left."""
    server.play_with(lambda exchange: reply_to(case, exchange))
    calls: list[Any] = []
    names = [name for name, _ in case["expect"].get("calls", ())]
    stream = chat.stream("hi", tools=recording_tools(names, calls), approve="always")
    notices: list[str] = []
    failure: CellmageError | None = None
    try:
        for event in stream.events:
            notices += [event.kind] if isinstance(event, Notice) else []
    except CellmageError as error:
        failure = error
    return Result(stream.response, notices, failure, calls)


@BY_ID
def test_http(case_id: str, server: ScriptedServer) -> None:
    case = CASES[case_id]
    chat = Conversation(Options(model="m", base_url=server.url))
    result = read(server, case, chat)
    assert problems(case["expect"], result) == []
    server.play(*answer("fine"))
    assert chat.ask("next").text == "fine"
    assert violations(server.last) == []


@BY_ID
def test_a_cell(case_id: str, kernel: Kernel, server: ScriptedServer) -> None:
    """What a user sees: the text at the end, no tag, and one line for an error."""
    case = CASES[case_id]
    server.play_with(lambda exchange: reply_to(case, exchange))
    kernel.run(f"%env OPENAI_BASE_URL={server.url}\n%env OPENAI_API_KEY=sk-test")
    run = kernel.run("%%llm -m m --no-history\nhi")
    page = "\n".join(output["data"]["text/plain"] for output in run.outputs)
    assert case["expect"].get("text", "") in page
    assert case["expect"].get("says", "") in page + run.error
    assert all(address in page for address in case["expect"].get("sources", ()))
    assert not any(word in page + run.error for word in case["expect"].get("never", ()))
    assert "\n" not in run.error, "one line"


def decode(pieces: list[bytes]) -> tuple[str, str, list[ToolCall], str]:
    """Return the text, the reasoning, the calls, and the error."""
    decoder, events, failure = ChatCompletionDecoder(has_tools=True), list[Event](), ""
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
        events.extend(decoder.close())
    except CellmageError as error:
        failure = str(error)
    response = accumulate(events, timings=Timings(None, 0.0), incomplete_reason=None)
    calls = [event for event in events if isinstance(event, ToolCall)]
    return response.text, response.reasoning, calls, failure


@BY_ID
@repeat(20)
@given(offsets=st.lists(st.integers(0, 10_000), max_size=20))
def test_cuts_of_bytes_do_not_matter(case_id: str, offsets: list[int]) -> None:
    body = body_of(CASES[case_id])
    assert decode(cut(body, offsets)) == decode([body])


@BY_ID
def test_every_pair_of_pieces(case_id: str) -> None:
    body = body_of(CASES[case_id])
    whole = decode([body])
    for size in range(1, len(body)):
        assert decode([body[:size], body[size:]]) == whole
