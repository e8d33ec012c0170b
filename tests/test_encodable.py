"""Values of a chat: whatever their texts are made of, UTF-8 can encode them."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Document, Message, Notice, Reasoning, Response, Token, ToolResult, Turn
from cellmage.messages import ToolInvocation, ToolStep
from cellmage.text import Encodable

VALUES: list[Encodable] = [
    Token(""), Reasoning(""), Notice("", ""), ToolResult("", "", ""), Document("", "", ""),
    Message("user", ""), ToolInvocation("", "", ""), ToolStep("", ()), Response(""),
    Turn("", Response("")),
]  # fmt: skip
HALVES = st.text(st.sampled_from("aé😀\ud83d\ude00\udc80\n"))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@given(text=HALVES)
def test_any_text(value: Encodable, text: str) -> None:
    names = [field.name for field in fields(value) if field.type == "str" and field.init]  # type: ignore[arg-type]
    assert names
    for name in names:
        stored = getattr(replace(value, **{name: text}), name)  # type: ignore[type-var]
        stored.encode()
        assert stored == text or not is_encodable(text)


def is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
