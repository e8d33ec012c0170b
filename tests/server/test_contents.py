"""Images and PDF files in requests to our endpoint, in each API, and what is sent on of them."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import pytest

from cellmage import Message, Options, Request
from cellmage.providers.apis import APIS
from cellmage.providers.endpoints import OPENAI
from cellmage.testing import ScriptedServer, answer
from tests.attachments import ADDRESS, IMAGE, PDF

QUESTION = Message("user", ("What is this?", IMAGE, ADDRESS, PDF))
TEXT = {"type": "text", "text": "What is this?"}


def encode(api: str) -> dict[str, Any]:
    """The body of a request, as our own provider sends it."""
    payload = APIS[api].encode(Request((QUESTION,), Options(model="m")), OPENAI)
    return {**payload, "stream": False}


def post(address: str, api: str, body: dict[str, Any]) -> Any:
    return httpx2.post(address + APIS[api].path, json=body)


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_parts_are_sent_on_in_their_order(
    address: str, connected: ScriptedServer, api: str
) -> None:
    connected.play(*answer("A cat.", 4))
    reply = post(address, api, encode(api))
    assert reply.status_code == 200, reply.text
    assert connected.last.body["messages"] == encode("chat")["messages"]


BASE64 = base64.b64encode(PDF.data).decode()


@pytest.mark.parametrize(
    ("api", "part"),
    [
        ("chat", {"type": "image_url"}),
        ("chat", {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}),
        ("chat", {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}),
        ("chat", {"type": "image_url", "image_url": {"url": "data:image/png;base64,%"}}),
        ("chat", {"type": "file", "file": {"file_id": "file-1"}}),
        ("chat", {"type": "input_audio", "input_audio": {"data": ""}}),
        ("responses", {"type": "input_image", "file_id": "file-1"}),
        ("responses", {"type": "input_file", "file_url": "https://example.org/a.pdf"}),
        ("messages", {"type": "image", "source": {"type": "file", "file_id": "file-1"}}),
        ("messages", {"type": "image", "source": 5}),
        ("messages", {"type": "document", "source": {"type": "text", "data": "Hi"}}),
        ("messages", {"type": ["image"]}),
    ],
)
def test_parts_that_are_refused(
    address: str, connected: ScriptedServer, api: str, part: dict[str, Any]
) -> None:
    body = encode(api)
    (body.get("messages") or body["input"])[0]["content"] = [TEXT, part]
    reply = post(address, api, body)
    assert reply.status_code == 400, reply.text
    assert connected.exchanges == []


def test_images_of_others_are_refused(address: str) -> None:
    body = encode("chat")
    image = body["messages"][0]["content"][1]
    for message in (
        {"role": "system", "content": [image]},
        {"role": "assistant", "content": [image]},
    ):
        reply = post(address, "chat", {**body, "messages": [message, *body["messages"]]})
        assert reply.status_code == 400
        assert "one of the user may have images" in reply.text


def test_base64_without_a_type_is_a_pdf(address: str, connected: ScriptedServer) -> None:
    connected.play(*answer("A report.", 4))
    body = encode("chat")
    body["messages"][0]["content"] = [TEXT, {"type": "file", "file": {"file_data": BASE64}}]
    assert post(address, "chat", body).status_code == 200
    file = connected.last.body["messages"][0]["content"][1]["file"]
    assert file == {
        "filename": "document.pdf",
        "file_data": f"data:application/pdf;base64,{BASE64}",
    }
