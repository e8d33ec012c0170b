"""Foreign text in terminals: none of it controls the terminal, or the order of what is read."""

from __future__ import annotations

import json
import re
import sys
import traceback
import unicodedata
from io import StringIO
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellmageError, Conversation, Options, Response, Turn
from cellmage.__main__ import main
from cellmage.conversation.export import to_json
from cellmage.display.listing import Listing
from cellmage.messages import ToolInvocation, ToolStep
from cellmage.printing import write_text
from cellmage.testing import (
    DONE,
    Exchange,
    Reply,
    ScriptedServer,
    answer,
    chunk,
    finish,
    sse,
    tool_call,
)
from tests.display.test_terminal_in_pty import IPython
from tests.pty_screen import PtyScreen
from tests.repetitions import repeat, sample

CONTROLS = [
    *("\x1b[2J", "\x1b[31m", "\x1b[8m", "\x1b[5;5H", "\x1b[1A", "\x1b[6n", "\x1b[?1049h", "\x1bc"),
    *("\x1b]52;c;QUJD\x07", "\x1b]0;title\x07", "\x1b]8;;http://x.invalid\x1b\\", "\x1bPq\x1b\\"),
    *("\x9b31m", "\x9d0;title\x9c", "\x90", "\x85", "\x00", "\x07", "\x08\x08", "\x0b", "\x0e"),
    *("\r", "\x7f", "\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"),
]
HOSTILE = "".join(f"{control}#{n}#" for n, control in enumerate(CONTROLS)) + "end"
"""The text after each control tells it from those of IPython and rich."""

BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
LINK = f"https://x.invalid/{HOSTILE}"


def acting(output: str) -> list[str]:
    """The controls of the payload that an output contains."""
    # A terminal's driver writes a line feed as "\r\n".
    return [control for n, control in enumerate(CONTROLS) if f"{control}#{n}#" in output]


def test_the_judge_sees_each_control() -> None:
    assert acting(f"a{HOSTILE}b") == CONTROLS


def failing(status: int, body: object, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "text/html" if isinstance(body, bytes) else "application/json"
    return Reply([data], status=status, content_type=kind, headers=headers)


ERROR = {"message": HOSTILE, "code": HOSTILE, "type": HOSTILE, "param": HOSTILE}
LATIN = "\x9b31m#12#"  # a header has no other control that a client accepts
MARKDOWN = f"""# {HOSTILE}

- `{HOSTILE}`

```{HOSTILE}
{HOSTILE}
```

[{HOSTILE}](<{LINK}>)

| {HOSTILE} |
|---|
| $x{HOSTILE}$ |
"""
CALLS = [
    tool_call("echo", json.dumps({"text": HOSTILE})),
    tool_call(HOSTILE, "{}", 1),
    tool_call("echo", HOSTILE, 2),
    tool_call("echo", json.dumps({HOSTILE: 1}), 3),
    tool_call("fail", json.dumps({"text": HOSTILE}), 4),
]
TEXT = answer(HOSTILE)[:-2]
REPLIES = {
    "text": Reply([chunk(reasoning_content=HOSTILE), *TEXT, finish(), DONE]),
    "reason": Reply([*TEXT, chunk(finish_reason=f"moon{HOSTILE}"), DONE]),
    "reasons": Reply([*TEXT, chunk(finish_reason=f"moon\u202e{CONTROLS[0]}#0#"), DONE]),
    "refusal": Reply([chunk(refusal=HOSTILE), finish(), DONE]),
    "filter": Reply([*TEXT, chunk(finish_reason="content_filter"), DONE]),
    "cut": Reply([*TEXT]),
    "markdown": Reply(answer(MARKDOWN)),
    "json": Reply(answer(json.dumps({HOSTILE: [{HOSTILE: HOSTILE}]}))),
    "sources": Reply([
        sse({"choices": [{"delta": {"content": "x"}}], "model": HOSTILE, "citations": [LINK],
             "search_results": [{"title": HOSTILE, "url": "https://x.invalid", "text": HOSTILE}]}),
        finish(), DONE,
    ]),
    "midway": Reply([*TEXT, sse({"error": ERROR})]),
    "junk": Reply([*TEXT, sse(f"{{{HOSTILE}")]),
    "status400": failing(400, {"error": ERROR}),
    "status401": failing(401, {"error": HOSTILE}),
    "status404": failing(404, {"detail": [{"loc": [HOSTILE], "msg": HOSTILE}]}),
    "status429": failing(429, {"error": ERROR}, **{"retry-after": LATIN, "x-request-id": LATIN}),
    "page": failing(502, f"<html><title>{HOSTILE}</title>{HOSTILE}".encode()),
    "notjson": failing(200, f"<html><title>{HOSTILE}</title>{HOSTILE}".encode()),
    "redirect": failing(302, b"", location=f"http://x.invalid/%1b]0;{LATIN}"),
}  # fmt: skip


def reply(exchange: Exchange) -> Reply:
    """Return the reply that the last word of the prompt names, with the payload in it."""
    if exchange.path.endswith("/models"):
        models = {"data": [{"id": f"m{HOSTILE}", "object": "model", "owned_by": HOSTILE}]}
        return Reply([json.dumps(models).encode()], content_type="application/json")
    role, prompt = exchange.messages[-1]
    if exchange.body.get("tools") and role == "user":
        return Reply([chunk(HOSTILE), *CALLS, finish("tool_calls"), DONE])
    return REPLIES.get(prompt.split()[-1], REPLIES["text"])


MAGICS = [
    *(f"%llm {name}" for name in REPLIES),
    "%llm --tool echo --tool fail --auto-approve text",
    "%llm --compare a,b text",
    "%llm --compare a,b status400",
    "%llm --json json",
    "%llm_models",
    "%llm_config --list-personas",
    "%llm_config --persona bad",
    "%llm_config --persona plain --show-persona",
    "%llm_config --persona teacher --fallback b",
    "%llm status400",
    "%llm_history --import hostile.json",
    "%llm_history",
    "%llm_history --verbose",
    "%llm_history --search end",
    "%llm_history --tokens",
    "%llm_history --show 1",
    "%llm_index --name docs folder",
    "%llm --rag docs moon",
    "%llm_config",
    "%llm --dry-run text",
    "_llm",
    "print(_llm)",
    "_llm.model",
    "_llm.steps, _llm.sources",
    "import cellmage; cellmage.Conversation().ask('status400')",
]


def write_hostile_files(folder: Path) -> None:
    name = HOSTILE.replace("\0", "").replace("/", "")[:100]
    # With control characters of ASCII a file is binary.
    text = "".join(f"{control}#{n}#" for n, control in enumerate(CONTROLS) if control >= "\x80")
    for directory in ("folder", "llm_personas"):
        (folder / directory).mkdir()
        (folder / directory / f"{name}.md").write_text(f"# {text}\n\nmoon")
        (folder / directory / "bad.md").write_text(f"---\ntemperature: {text}\n---\nmoon")
        (folder / directory / "plain.md").write_text(f"# {text}\n\nmoon {text}")
    step = ToolStep(HOSTILE, (ToolInvocation("1", HOSTILE, HOSTILE, HOSTILE),))
    response = Response(HOSTILE, model=HOSTILE, steps=(step,))
    (folder / "hostile.json").write_text(to_json([Turn(HOSTILE, response)]))


@pytest.mark.slow
def test_no_magic_passes_controls_on(tmp_path: Path, server: ScriptedServer) -> None:
    server.play_with(reply)
    write_hostile_files(tmp_path)
    shell = IPython(tmp_path, 60, server)
    try:
        shell.run("def echo(text: str) -> str: return text")
        shell.run("def fail(text: str) -> str: raise ValueError(text)")
        acted = {}
        for magic in sample(MAGICS, 20):
            start = len(shell.screen.output)
            shell.run(magic)
            if found := acting(shell.screen.output[start:]):
                acted[magic] = found
        start = len(shell.screen.output)
        shell.start("%llm --tool echo --tool fail text")
        for question in ("Run echo(text=", "Run fail(text="):
            shell.until_text(question)
            shell.screen.type("y\r")
        shell.finish()
        assert acting(shell.screen.output[start:]) == []
    finally:
        shell.screen.close()
    assert acted == {}
    assert shell.screen.output.count("#end") > len(sample(MAGICS, 20)) // 2


@pytest.mark.parametrize("name", REPLIES)
def test_the_command_line(
    server: ScriptedServer,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.play_with(reply)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    main(["-m", "gpt-4o", name])
    written = "".join(capsys.readouterr())
    assert acting(written) == []
    assert "end" in written or name == "redirect"


RICH = re.compile(r"\x1b\[(?:[0-4](?:;[0-4])*m|\?25[hl]|2K|1A)|\r\n?")
"""Styles without colors, and what repaints: hide and show the cursor, go up, clear the line."""


@pytest.mark.parametrize("name", ["markdown", "sources", "status400"])
def test_a_terminal_contains_only_styles_and_repaints(
    tmp_path: Path, server: ScriptedServer, name: str
) -> None:
    server.play_with(reply)
    env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    screen = PtyScreen([sys.executable, "-m", "cellmage", "-m", "m", name], tmp_path, 24, env)
    with pytest.raises(pexpect.EOF):
        screen.until(lambda: False)
    assert "\x1b[?25h" in screen.output
    assert acting(screen.output) == []
    rest = RICH.sub("", screen.output)
    assert [char for char in rest if unicodedata.category(char) in ("Cc", "Cf")] == []


@pytest.mark.parametrize("name", REPLIES)
def test_a_traceback_of_python(
    server: ScriptedServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program shows that does not catch the error, with all that came before it."""
    server.play_with(reply)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    shown = ""
    try:
        Conversation().ask(name, Options(model="gpt-4o"))
    except CellmageError:
        shown = traceback.format_exc()
    assert acting(shown) == []
    assert bool(shown) == name.startswith(("cut", "midway", "junk", "status", "page", "not", "red"))


def test_values_in_a_terminal() -> None:
    response = Response(HOSTILE, model=HOSTILE, incomplete_reason=HOSTILE)
    listing = Listing([HOSTILE], {HOSTILE: [{HOSTILE: HOSTILE}]}, HOSTILE)
    for value in (response, listing, CellmageError(HOSTILE), [CellmageError(HOSTILE)]):
        assert acting(repr(value)) == []
    assert acting(str(response)) == acting(str(CellmageError(HOSTILE))) == []
    assert response.text == CellmageError(HOSTILE).args[0] == HOSTILE, "what was received is kept"


def test_a_traceback() -> None:
    error = CellmageError(HOSTILE)
    error.args = (HOSTILE,)
    assert acting("".join(traceback.format_exception(error))) == []


def test_an_error_hides_nothing() -> None:
    message = str(CellmageError("no model\xa0a\u3164b\u200b \u26a0\ufe0f \u0645\u200c\nsecond"))
    assert message == "no model a\\u3164b\\u200b \u26a0\ufe0f \u0645\u200c\nsecond"


@repeat(200)
@given(st.text(st.characters()))
def test_no_printed_text_has_controls(text: str) -> None:
    output = StringIO()
    write_text(text, output)
    for shown in (output.getvalue(), str(CellmageError(text))):
        rest = shown.translate(dict.fromkeys(map(ord, "\n\t")))
        assert not {unicodedata.category(char) for char in rest} & {"Cc", "Cs"}
        assert not set(map(unicodedata.bidirectional, rest)) & BIDI
        assert not set(rest) & set("\u061c\u200e\u200f")


def test_any_text_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    write_text(f"{HOSTILE}\ud83d\ude00\udcff\n", sys.stdout)
    written = capsys.readouterr().out
    assert acting(written) == []
    assert written.endswith("end\U0001f600\ufffd\n")
