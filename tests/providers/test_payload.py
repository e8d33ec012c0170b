"""The payload of a chat completion, as strict servers take it."""

from __future__ import annotations

import pytest

from cellmage import Options, Request
from cellmage.messages import Message, ToolInvocation
from cellmage.providers.endpoints import OPENAI, Endpoint
from cellmage.providers.payload import encode_request


@pytest.mark.parametrize(
    ("model", "text", "content"),
    [
        ("glm-4.6:cloud", "", ""),
        ("mistral-small", "", ""),
        ("gpt-4o", "Well.", "Well."),
        ("anthropic/claude-sonnet-4", "", None),
        ("us.anthropic.nova", "Well.", "Well."),
    ],
)
def test_the_content_of_tool_calls(model: str, text: str, content: str | None) -> None:
    """It is always there: a string, but null where an empty one is refused."""
    call = ToolInvocation("a", "add", "{}", "3")
    messages = (
        Message("user", "Go"),
        Message("assistant", text, (call,)),
        Message("tool", "3", tool_call_id="a"),
    )
    payload = encode_request(Request(messages, Options(model=model)), Endpoint("http://localhost"))
    assert payload["messages"][1]["content"] == content


@pytest.mark.parametrize(
    ("endpoint", "effort", "sent"),
    [(OPENAI, "max", "xhigh"), (OPENAI, "none", "none"), (Endpoint("http://x/v1"), "max", "high")],
)
def test_effort(endpoint: Endpoint, effort: str, sent: str) -> None:
    request = Request((Message("user", "Hi"),), Options(model="m", effort=effort))
    assert encode_request(request, endpoint)["reasoning_effort"] == sent
