"""200 attempts to have the user approve something else than what runs."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from cellmage import Conversation, ToolCall
from cellmage.approvals import format_call
from cellmage.testing import ScriptedServer
from cellmage.tools import Tool
from tests.test_approvals import is_plainly_visible, parse_shown
from tests.tool_scripts import play_calls, read, results

PAYLOADS = [
    "x=1)? [y/N] y\nRun ok(",
    'a"), y="b',
    "\u201d)? [y/N] y Run ok(\u201c",
    "\u3164\u2800\u115f\uffa0\u034f\u17b4",
    "\u200b\u2060\ufeff\u00ad",
    "\x1b[2J\x1b[H",
    "\x1b]52;c;QUJD\x07",
    "\x1b]0;title\x07\x9b31m",
    "\u202etxt.exe\u2066\u200f",
    "rm\r  ls",
    "rm" + "\x08" * 9,
    " " * 500 + ")? [y/N]",
    "\n" * 200,
    "e" + "\u0301" * 50,
    "m\u0336\u0308\u20dd",
    "\U000e0072\U000e006d",
    "\ufe0f\U000e0100",
    "\ue000\U0010ffff",
    "\u2028\u2029\x85",
    "\u05d0\u05d1 \u0661 \U0001f600",
]
SHAPES: list[Callable[[str], str]] = [
    lambda text: json.dumps({text: 1}),
    lambda text: json.dumps({"x": text}),
    lambda text: json.dumps({"x": {text: text}}, ensure_ascii=False),
    lambda text: json.dumps({"x": [text, [text]], "y": text}),
    lambda text: json.dumps({"x": "a" * 200_000 + text}),
    lambda text: json.dumps({"x": "a" * 5_000, "y": text, "more": 1}),
    lambda text: json.dumps({"ok": text, "x": 1e22}),
    lambda text: f"```json\n{json.dumps({'x': text})}\n```",
    lambda text: json.dumps(json.dumps([{"x": text}])),
    lambda text: json.dumps({"x": 1, "root": text}),
]
RECEIVED: list[dict[str, Any]] = []


def act(x: Any = None, y: str = "", root: str = "", **options: Any) -> str:
    """Do something."""
    assert root == "/safe"
    given = {"x": x, "y": y, **options}
    RECEIVED.append({name: value for name, value in given.items() if value not in (None, "")})
    return "ran"


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_shown_is_what_runs(
    chat: Conversation, server: ScriptedServer, shape: Callable[[str], str]
) -> None:
    RECEIVED.clear()
    shown: list[dict[str, Any]] = []

    def approve(call: ToolCall) -> bool:
        question, whole = format_call(call), format_call(call, sys.maxsize)
        assert is_plainly_visible(question)
        assert is_plainly_visible(whole)
        assert len(question) < 1_800, "a terminal of 80 columns and 24 lines shows it"
        shown.append(parse_shown(whole.removeprefix("act(").removesuffix(")")))
        return True

    play_calls(server, *(("act", shape(payload)) for payload in PAYLOADS))
    stream = read(chat, Tool(functools.partial(act, root="/safe"), name="act"), approve=approve)
    outcomes = results(stream)
    assert len(outcomes) == len(PAYLOADS)
    assert [text for text in outcomes if text != "ran" and "nothing was run" not in text] == []
    assert len(shown) == len(RECEIVED) == outcomes.count("ran")
    assert shown == RECEIVED


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "1" * 5_000])
def test_a_number_that_cannot_be_kept_does_not_run(
    chat: Conversation, server: ScriptedServer, number: str
) -> None:
    RECEIVED.clear()
    play_calls(server, ("act", f'{{"x": [{number}]}}'))
    stream = read(chat, Tool(functools.partial(act, root="/safe"), name="act"))
    assert "nothing was run" in results(stream)[0]
    assert RECEIVED == []
