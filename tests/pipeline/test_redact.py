"""What may be sent: one table for the magics, for Python and for ``serve``."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cellmage import CellmageError, Conversation, Document, Message, Options, Request, Retriever
from cellmage.errors import UsageError
from cellmage.messages import ToolInvocation
from cellmage.pipeline.redact import redact
from cellmage.providers.keys import Key, clean_key
from cellmage.providers.masking import decode_escapes
from cellmage.providers.payload import encode_message
from cellmage.server import app
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, finish, tool_call
from tests.kernel.client import Kernel

FOREIGN = "sk-abcdefghijklmnopqrst1234"
"""Text that looks like a key, and is not one of this machine."""

OWN = "gsk_0123456789abcdefghijklmn"
"""The key of this machine, in GROQ_API_KEY."""

# The part of the request -> the outcome for a foreign key, and for an own one.
OUTCOMES = {
    "prompt": ("masked", "refused"),
    "system prompt": ("masked", "refused"),
    "persona": ("masked", "refused"),
    "passage": ("masked", "refused"),
    "tool result": ("masked", "withheld"),
    "tool schema": ("refused", "refused"),
}


def reply(exchange: Exchange) -> Reply:
    """Call the offered tool once, then answer."""
    is_first = exchange.body["messages"][-1]["role"] != "tool"
    if exchange.body.get("tools") and is_first:
        return Reply([tool_call("look", "{}"), finish("tool_calls"), DONE])
    return Reply(answer("Done."))


def in_python(part: str, secret: str, server: ScriptedServer) -> str:
    def look() -> str:
        return f"it is {secret}"

    look.__doc__ = f"Uses {secret}." if part == "tool schema" else "Look."
    chat = Conversation(Options(model="m", base_url=server.url))
    is_system = part in ("system prompt", "persona")
    passages = [Document("Notes", f"the key is {secret}")]
    try:
        chat.ask(
            f"use {secret}" if part == "prompt" else "Go",
            system=f"use {secret}" if is_system else None,
            retriever=Retriever("notes", lambda query: passages) if part == "passage" else None,
            tools=[look] if part.startswith("tool") else [],
            approve="always",
        )
    except CellmageError as error:
        return str(error)
    return ""


def in_a_cell(part: str, secret: str, kernel: Kernel) -> str:
    doc = f"Uses {secret}." if part == "tool schema" else "Look."
    kernel.run(
        f"%env GROQ_API_KEY={OWN}\n"
        "from pathlib import Path\n"
        "Path('llm_personas').mkdir(exist_ok=True)\n"
        f"_ = Path('llm_personas/keeper.md').write_text('use {secret}')\n"
        "def look() -> str:\n"
        f"    {doc!r}\n"
        f"    return 'it is {secret}'\n"
        "def notes(query):\n"
        f"    return ['the key is {secret}']"
    )
    flags = {
        "system prompt": f"-s 'use {secret}'",
        "persona": "-p keeper",
        "passage": "--rag notes",
        "tool result": "--tool look --auto-approve",
        "tool schema": "--tool look --auto-approve",
    }
    prompt = f"use {secret}" if part == "prompt" else "Go"
    return kernel.run(f"%%llm -m m {flags.get(part, '')}\n{prompt}").error


def by_serve(part: str, secret: str, server: ScriptedServer) -> str:
    is_system = part in ("system prompt", "persona")
    messages: list[dict[str, object]] = [
        {"role": "system", "content": f"use {secret}" if is_system else "Be brief."},
        {"role": "user", "content": f"use {secret}" if part in ("prompt", "passage") else "Go"},
    ]
    if part == "tool result":
        function = {"name": "look", "arguments": "{}"}
        calls = [{"id": "a", "type": "function", "function": function}]
        messages += [
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "a", "content": f"it is {secret}"},
        ]
    body: dict[str, object] = {"model": "default", "messages": messages}
    if part == "tool schema":
        schema = {"name": "look", "description": f"Uses {secret}.", "parameters": {}}
        body["tools"] = [{"type": "function", "function": schema}]
    options = Options(model="m", base_url=server.url)
    with TestClient(app(options), base_url="http://localhost") as client:
        response = client.post("/v1/chat/completions", json=body)
    return "" if response.status_code == 200 else str(response.json()["error"]["message"])


def outcome(error: str, secret: str, server: ScriptedServer) -> str:
    sent = json.dumps([exchange.body for exchange in server.exchanges], ensure_ascii=False)
    assert secret not in sent
    if error:
        assert "key" in error
        assert secret not in error
        return "refused"
    return "withheld" if "[withheld" in sent else f"masked {sent.count('…' + secret[-4:])}"


FACES: dict[str, Callable[[str, str, ScriptedServer], str]] = {
    "python": in_python,
    "serve": by_serve,
}


@pytest.mark.parametrize("secret", [FOREIGN, OWN], ids=["foreign", "own"])
@pytest.mark.parametrize("part", OUTCOMES)
class TestOnePolicy:
    @pytest.mark.parametrize("face", FACES)
    def test_in_a_program(
        self,
        face: str,
        part: str,
        secret: str,
        server: ScriptedServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", OWN)
        server.play_with(reply)
        error = FACES[face](part, secret, server)
        self.check(part, secret, error, server)

    def test_in_a_notebook(
        self, part: str, secret: str, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play_with(reply)
        error = in_a_cell(part, secret, kernel)
        self.check(part, secret, error, server)
        kernel.run("import os; del os.environ['GROQ_API_KEY']")

    def check(self, part: str, secret: str, error: str, server: ScriptedServer) -> None:
        expected = OUTCOMES[part][secret == OWN]
        assert outcome(error, secret, server).split()[0] == expected
        if expected == "refused":
            assert not server.exchanges


def test_what_was_masked_is_in_the_notices(server: ScriptedServer) -> None:
    chat = Conversation(Options(model="m", base_url=server.url))
    response = chat.ask(f"use {FOREIGN}")
    assert response.notices == (
        "The request contains what looks like a key (…1234): only its end is sent.",
    )
    assert chat.turns[0].prompt == "use …1234"


# Where a key may stand in a text, and how it may be written there.
WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON, escaped": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"key": key.replace("-", "\\u002d")})),
    "an address": lambda key: f"https://a.example/?k={quote(key, safe='')}&x",
    "HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "a header": lambda key: f"Authorization: Bearer {key}",
    "a line of a file": lambda key: f"export GROQ_API_KEY={key}\n",
}
PLACES = [
    "prompt", "system", "earlier prompt", "earlier answer", "tool arguments", "tool result",
    "kept result", "passage", "title", "schema",
]  # fmt: skip
KEY_CHARS = string.ascii_letters + string.digits + "-_.~+/="


def is_in(sent: str, key: str) -> bool:
    return key in sent or key in decode_escapes(sent) or key in decode_escapes(decode_escapes(sent))


@given(
    st.text(KEY_CHARS, min_size=16, max_size=60).map(lambda text: f"k{text}9"),
    st.sampled_from(PLACES),
    st.sampled_from(sorted(WRITINGS)),
    st.sampled_from(["GROQ_API_KEY", "OTHER_PROGRAM_TOKEN", "the key file"]),
    st.tuples(st.text(max_size=20), st.text(max_size=20)),
)
def test_no_text_takes_a_key_of_this_machine_along(
    key: str, place: str, writing: str, source: str, around: tuple[str, str]
) -> None:
    key = clean_key(key)
    text = WRITINGS[writing](key).join(around)
    environ = {source: key} if source != "the key file" else {}
    kept = [Key(key)] if not environ else []  # as the key file and the keyring hold them
    request = request_with(text, place)
    try:
        sent = redact(request, environ)
    except UsageError:
        return
    assert not is_in(
        json.dumps([encode_message(m) for m in sent.messages], ensure_ascii=False), key
    )
    assert not is_in(str(sent.tools), key)
    del kept


def request_with(text: str, place: str) -> Request:
    call = ToolInvocation(
        "call0", "look", json.dumps({"at": text}) if place == "tool arguments" else "{}",
        result=text if place == "kept result" else "",
    )  # fmt: skip
    words = {name: text if name == place else "Hello." for name in PLACES}
    messages = (
        Message("system", words["system"]),
        Message("user", words["earlier prompt"]),
        Message("assistant", words["earlier answer"], tool_calls=(call,)),
        Message("tool", words["tool result"], tool_call_id="call0"),
        Message("user", f"{words['prompt']}\n\n## {words['title']} ({words['passage']})"),
    )
    schema = {"name": "look", "description": words["schema"], "parameters": {}}
    return Request(messages, Options(model="m"), (schema,))
