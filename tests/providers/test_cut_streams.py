"""A connection that breaks: whatever had arrived completely is kept, over real HTTP."""

from __future__ import annotations

import json

import pytest

from cellmage import CellmageError, Conversation, Options, Response
from cellmage.testing import ScriptedServer, Step, chunk, finish, tool_call
from cellmage.testing.replies import End

HEL, LO = chunk("Hel"), chunk("lo")
COMPLETION = json.dumps({"choices": [{"index": 0, "message": {"content": "Hello"}}]}).encode()

COMPLETE: dict[str, list[Step]] = {
    "before the blank line of the finish reason": [HEL, LO, finish()[:-1]],
    "before its line end": [HEL, LO, finish()[:-2]],
    "before the blank line of the end mark": [HEL, LO, b"data: [DONE]\n"],
    "after a whole completion": [COMPLETION],
}
CUT: dict[str, tuple[list[Step], str]] = {
    "before a blank line": ([HEL, LO[:-1]], "Hello"),
    "before a line end": ([HEL, LO[:-2]], "Hello"),
    "within an event": ([HEL, LO, HEL[:-9]], "Hello"),
    "within what may be a tag": ([HEL, chunk("lo</thi")], "Hello</thi"),
    "within a tag at the head": ([chunk("\n<thi")], "\n<thi"),
    "within half an emoji": ([chunk("Hello \ud83e")], "Hello �"),
    "within a completion": ([COMPLETION[:-5]], ""),
    "within a tool call": ([HEL, LO, tool_call("f", '{"a": 1')], "Hello"),
}
ENDS = pytest.mark.parametrize("end", ["truncate", "reset"])


def ask(server: ScriptedServer) -> tuple[Response, CellmageError | None]:
    """Return the answer, and the error if it failed."""
    stream = Conversation(Options(base_url=server.url, model="m")).stream("hi")
    try:
        list(stream)
    except CellmageError as error:
        return stream.response, error
    return stream.response, None


@ENDS
@pytest.mark.parametrize("position", COMPLETE)
def test_nothing_was_missing(server: ScriptedServer, position: str, end: End) -> None:
    server.play(*COMPLETE[position], 0.05, end=end)
    response, error = ask(server)
    assert (response.text, response.incomplete_reason, error) == ("Hello", None, None)


@ENDS
@pytest.mark.parametrize("position", CUT)
def test_what_had_arrived_is_kept(server: ScriptedServer, position: str, end: End) -> None:
    steps, text = CUT[position]
    server.play(*steps, 0.05, end=end)
    response, error = ask(server)
    assert response.text == text
    assert error is not None
    assert error.kind == ("truncated_no_finish" if "tool" in position else "connection_lost")
    assert error.text == text


def test_reasoning_that_is_cut_is_kept(server: ScriptedServer) -> None:
    server.play(chunk("<think>h"), chunk("m</th"), 0.05, end="reset")
    response, error = ask(server)
    assert (response.text, response.reasoning) == ("", "hm</th")
    assert error is not None


def test_an_error_after_what_may_be_a_tag(server: ScriptedServer) -> None:
    server.play(HEL, chunk("lo <"), b'data: {"error": {"message": "boom"}}\n\n')
    response, error = ask(server)
    assert response.text == "Hello <"
    assert "boom" in str(error)
