"""Encode a request as the payload of the Messages API; no I/O.

Source: Anthropic's API reference, "Create a message". The roles alternate there, the first message
is the user's, and no text is blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jiter

from ...messages import Message, Request
from ...text import join_surrogates
from ..content_parts import encode_content
from ..endpoints import Endpoint, effort_word
from ..json_format import ask_in_words, schema_of, split_format
from ..payload import valid_arguments, valid_name
from ..provider_tools import encode_tools
from ..state_items import items_of, place_items
from .blocks import API, PROOFS
from .cache_marks import mark_for_cache

DEFAULT_MAX_TOKENS = 8192
"""The longest answer where the options set none: the API requires a limit."""

_NO_TEXT = "(no text)"
"""The message of the user where there is none, or a blank one, which the API refuses."""

# Reasoning is shown by newer models only if a summary of it is asked for.
_THINKING = {"type": "adaptive", "display": "summarized"}
_EFFORTS: Mapping[str, str] = {"minimal": "low"}
"""The API's words for how much a model reasons, where they differ from ours."""

_NO_PARAMETERS = {"type": "object", "properties": {}}

_PROVIDER_TOOLS = {"web_search": {"type": "web_search_20250305", "name": "web_search"}}

Block = dict[str, Any]


def encode_messages(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Return the body of ``POST /v1/messages``.

    An option that is not set is not in the payload: the server's default applies.

    Args:
        request: the request; its ``extra_body`` is merged.
        endpoint: the server, as in `payload.encode_request`.

    Example:
        >>> from cellmage import Options
        >>> messages = Message("system", "Be brief."), Message("user", "Hi")
        >>> request = Request(messages, Options(model="m", max_tokens=99, effort="low"))
        >>> payload = encode_messages(request, Endpoint("http://localhost:8000/v1"))
        >>> payload["system"], payload["max_tokens"], payload["output_config"]
        ('Be brief.', 99, {'effort': 'low'})
        >>> payload["messages"]
        [{'role': 'user', 'content': [{'type': 'text', 'text': 'Hi'}]}]
    """
    form, extra_body = split_format(request.options.extra_body)
    schema = schema_of(form).get("schema")
    if form and not schema:  # the API has no field for JSON of any shape
        request = ask_in_words(request)
    options = request.options
    texts = [message.text for message in request.messages if message.role == "system"]
    system = join_surrogates("\n\n".join(filter(str.strip, texts)))
    payload = {
        "model": options.model,
        "system": system or None,
        "messages": _encode_conversation(request),
        "max_tokens": options.max_tokens or DEFAULT_MAX_TOKENS,
        "tools": encode_tools(request, _encode_tool, _PROVIDER_TOOLS),
        "stream": True,
        "temperature": options.temperature,
        **_encode_effort(effort_word(options.effort, endpoint), schema),
    }
    payload = mark_for_cache({name: v for name, v in payload.items() if v is not None})
    for name, value in extra_body.items():
        is_merged = isinstance(value, Mapping) and isinstance(payload.get(name), dict)
        payload[name] = {**payload[name], **value} if is_merged else value
    return payload


def _encode_effort(effort: str | None, schema: Any) -> dict[str, Any]:
    """Return the fields of the reasoning, and of the schema of the answer."""
    config: dict[str, Any] = {}
    if effort not in (None, "none"):
        config["effort"] = _EFFORTS.get(str(effort), effort)
    if schema:
        config["format"] = {"type": "json_schema", "schema": schema}
    thinking = {"type": "disabled"} if effort == "none" else dict(_THINKING)
    fields = {"thinking": thinking if effort else None, "output_config": config}
    return {name: value for name, value in fields.items() if value}


def _encode_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    tool = {name: schema[name] for name in ("name", "description") if schema.get(name)}
    return {**tool, "input_schema": schema.get("parameters") or _NO_PARAMETERS}


def _encode_conversation(request: Request) -> list[dict[str, Any]]:
    """Return the messages; those of one role that follow each other are joined."""
    encoded: list[dict[str, Any]] = []
    for message in request.messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = list(_BLOCKS[message.role](message))
        if blocks and encoded and encoded[-1]["role"] == role:
            encoded[-1]["content"] += blocks
        elif blocks:
            encoded.append({"role": role, "content": blocks})
    if not encoded or encoded[0]["role"] != "user":
        encoded.insert(0, {"role": "user", "content": [_text(_NO_TEXT)]})
    return encoded


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _encode_question(message: Message) -> Iterator[Block]:
    content = encode_content(message.content, API)
    if isinstance(content, str):
        content = [_text(content if content.strip() else _NO_TEXT)]
    yield from content


def _encode_result(message: Message) -> Iterator[Block]:
    content = join_surrogates(message.text)
    block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    yield {**block, "content": content} if content.strip() else block


def _encode_answer(message: Message) -> Iterator[Block]:
    """Yield the text and the calls of an answer, with the reasoning before each."""
    content = join_surrogates(message.text)
    calls = [
        {
            "type": "tool_use",
            "id": call.id,
            "name": valid_name(call.name),
            "input": jiter.from_json(valid_arguments(call.arguments).encode()),
        }
        for call in message.tool_calls
    ]
    texts = [_text(content)] if content.strip() else []
    states = (item for item in items_of(message.state, API) if str(item.get("type")) in PROOFS)
    return place_items(states, [*texts, *calls])


_BLOCKS = {
    "system": lambda _: (),
    "user": _encode_question,
    "tool": _encode_result,
    "assistant": _encode_answer,
}
"""What makes the blocks of a message, by its role."""
