"""Images and files in the words of each API, in their order."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given

from cellmage import Message, Options, Request
from cellmage.content import Part
from cellmage.providers.apis import APIS
from cellmage.providers.endpoints import OPENAI
from tests.attachments import ADDRESS, ANY_ATTACHED, IMAGE, PDF

IMAGE_URL = "data:image/png;base64," + base64.b64encode(IMAGE.data).decode()
PDF_URL = "data:application/pdf;base64," + base64.b64encode(PDF.data).decode()
PROMPT = ("What is this?", IMAGE, ADDRESS, PDF)


def encode(api: str, *messages: Message) -> list[dict[str, Any]]:
    """The messages of a payload."""
    payload = APIS[api].encode(Request(messages, Options(model="m")), OPENAI)
    encoded: list[dict[str, Any]] = payload.get("messages") or payload["input"]
    return encoded


EXPECTED: dict[str, list[dict[str, Any]]] = {
    "chat": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": IMAGE_URL}},
        {"type": "image_url", "image_url": {"url": ADDRESS.url}},
        {"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}},
    ],
    "responses": [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": IMAGE_URL},
        {"type": "input_image", "image_url": ADDRESS.url},
        {"type": "input_file", "filename": "report.pdf", "file_data": PDF_URL},
    ],
    "messages": [
        {"type": "text", "text": "What is this?"},
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": base64.b64encode(IMAGE.data).decode(),
            },
        },
        {"type": "image", "source": {"type": "url", "url": ADDRESS.url}},
        {
            "type": "document",
            "title": "report.pdf",
            "source": {
                "type": "base64",
                "media_type": "application/pdf",
                "data": base64.b64encode(PDF.data).decode(),
            },
        },
    ],
}


@pytest.mark.parametrize("api", EXPECTED)
def test_parts_of_a_question(api: str) -> None:
    assert encode(api, Message("user", PROMPT)) == [{"role": "user", "content": EXPECTED[api]}]


@pytest.mark.parametrize("api", EXPECTED)
@given(parts=ANY_ATTACHED)
def test_any_parts_keep_their_order(api: str, parts: list[Part]) -> None:
    (message,) = encode(api, Message("user", tuple(parts)))
    blanks = [part for part in parts if isinstance(part, str) and not part.strip()]
    assert len(message["content"]) == len(parts) - len(blanks)
    each = [
        block
        for part in parts
        if part not in blanks
        for block in encode(api, Message("user", (part, IMAGE)))[0]["content"][:1]
    ]
    assert message["content"] == each


@pytest.mark.parametrize("api", EXPECTED)
def test_a_text_alone_is_sent_as_before(api: str) -> None:
    (message,) = encode(api, Message("user", "Hi"))
    assert message["content"] == ([{"type": "text", "text": "Hi"}] if api == "messages" else "Hi")
