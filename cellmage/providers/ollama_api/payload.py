"""Encode a request as the payload of Ollama's chat API; no I/O.

Source: Ollama's documentation, "Generate a chat message". The server cuts what its context window
cannot hold from the beginning, and says nothing. So the window is asked for in the size that the
conversation needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jiter

from ...content import (
    Attachment,
    Image,
    attachment_tokens,
    attachments_of,
    describe_attachment,
    encode_base64,
    to_content,
)
from ...errors import ProviderError
from ...messages import Message, Request
from ...text import join_surrogates
from ..endpoints import Endpoint
from ..json_format import schema_of, split_format
from ..payload import valid_arguments, valid_name
from ..provider_tools import encode_function, encode_tools
from ..state_items import items_of
from .answer import API

DEFAULT_WINDOW = 2048
"""The smallest context window of a server that is told none; newer ones have 4096 or more."""

_ANSWER_TOKENS = 2048
"""Room for the answer, where the options do not limit it."""

_BYTES_PER_TOKEN = 3
"""Bytes of UTF-8 in a token: fewer than on average, so that the window is not too small."""

_TOKENS_PER_MESSAGE = 8
_EFFORTS: Mapping[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "high",
}
"""The API's words for how much a model reasons."""


def encode_ollama(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Return the body of ``POST /api/chat``.

    An option that is not set is not in the payload: the server's default applies.

    Args:
        request: the request; its ``extra_body`` is merged.
        endpoint: the server, as in `payload.encode_request`.

    Raises:
        ProviderError: the question has a file, or the address of an image, which no model of the
            server can read.

    Example:
        >>> from cellmage import Options
        >>> request = Request((Message("user", "Hi"),), Options(model="m", max_tokens=99))
        >>> encode_ollama(request, Endpoint("http://localhost:11434"))["options"]
        {'num_predict': 99}
        >>> request = Request((Message("user", "word " * 4000),), Options(model="m"))
        >>> encode_ollama(request, Endpoint("http://localhost:11434"))["options"]
        {'num_ctx': 16384}
    """
    options = request.options
    form, extra_body = split_format(options.extra_body)
    payload: dict[str, Any] = {
        "model": options.model,
        "messages": list(_encode_messages(request)),
        "tools": encode_tools(request, encode_function),
        "stream": True,
        "format": (schema_of(form).get("schema") or "json") if form else None,
        "think": _EFFORTS[options.effort] if options.effort else None,
        "options": {
            "temperature": options.temperature,
            "num_predict": options.max_tokens,
            "num_ctx": _window(request),
        },
    }
    payload["options"] = _without_none(payload["options"])
    payload = _without_none(payload)
    for name, value in extra_body.items():
        is_merged = isinstance(value, Mapping) and isinstance(payload.get(name), dict)
        if name in _PARAMETERS:
            payload["options"][name] = value
        else:
            payload[name] = {**payload[name], **value} if is_merged else value
    return payload


_PARAMETERS = frozenset({"num_ctx", "seed", "stop", "top_p", "top_k", "min_p"})
"""Parameters that stand among the API's options, also where they are given by their names alone."""


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _window(request: Request) -> int | None:
    """Return the context window that a request needs; None if every server's default holds it.

    It is a power of two: the server loads its model anew for each other size.
    """
    needed = sum(map(_tokens_of, request.messages)) + _bytes_of(request.tools) // _BYTES_PER_TOKEN
    if needed <= DEFAULT_WINDOW // 2:
        return None
    needed += request.options.max_tokens or _ANSWER_TOKENS
    return max(2 * DEFAULT_WINDOW, 1 << (needed - 1).bit_length())


def _tokens_of(message: Message) -> int:
    """Return about how many tokens a message has, rather more than fewer."""
    calls = [(call.name, call.arguments) for call in message.tool_calls]
    states = [item.item for item in message.state]
    attachments = sum(map(attachment_tokens, attachments_of(message.content)))
    texts = _bytes_of(message.text, *calls, *states) // _BYTES_PER_TOKEN
    return texts + attachments + _TOKENS_PER_MESSAGE


def _bytes_of(*values: Any) -> int:
    return sum(len(str(value).encode("utf-8", "replace")) for value in values)


def _encode_messages(request: Request) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}  # of the tools, by the ids of their calls
    *_, question = 0, *(i for i, item in enumerate(request.messages) if item.role == "user")
    earlier = map(_without_unreadable, request.messages[:question])
    for message in (*earlier, *request.messages[question:]):
        encoded: dict[str, Any] = {"role": message.role, "content": join_surrogates(message.text)}
        if images := [_encode_image(part) for part in attachments_of(message.content)]:
            encoded["images"] = images
        if message.tool_calls:
            names |= {call.id: valid_name(call.name) for call in message.tool_calls}
            encoded["tool_calls"] = [_encode_call(call) for call in message.tool_calls]
            encoded |= _thinking_of(message)
        if message.role == "tool":
            encoded["tool_name"] = names.get(message.tool_call_id, "unnamed")
            encoded["tool_call_id"] = message.tool_call_id
        yield encoded


def _without_unreadable(message: Message) -> Message:
    """Return an earlier message with lines in the place of what the API does not take."""
    if isinstance(message.content, str):
        return message
    parts = [
        part if isinstance(part, str) or _is_readable(part) else describe_attachment(part)
        for part in message.content
    ]
    return replace(message, content=to_content(parts))


def _is_readable(part: Attachment) -> bool:
    return isinstance(part, Image) and not part.url


def _encode_image(part: Any) -> str:
    if not isinstance(part, Image):
        message = "Ollama reads no PDF: give its text, or ask another model; nothing was sent"
        raise ProviderError(message, kind="bad_request")
    if part.url:
        message = "Ollama loads no address: give the image by its bytes; nothing was sent"
        raise ProviderError(message, kind="bad_request")
    return encode_base64(part)


def _encode_call(call: Any) -> dict[str, Any]:
    arguments = jiter.from_json(valid_arguments(call.arguments).encode())
    return {"id": call.id, "function": {"name": valid_name(call.name), "arguments": arguments}}


def _thinking_of(message: Message) -> dict[str, Any]:
    """Return the reasoning before the calls, which models read in the next round."""
    texts = [item["thinking"] for item in items_of(message.state, API) if "thinking" in item]
    return {"thinking": texts[-1]} if texts else {}
