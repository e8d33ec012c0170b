"""Encode a request as the payload of the Responses API; no I/O.

Source: OpenAI's API reference, "Create a model response". Nothing is stored at the provider: each
request has the whole conversation, and the encrypted reasoning of the answers in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from ...messages import Message, Request
from ...text import join_surrogates
from ..content_parts import encode_content
from ..endpoints import Endpoint, effort_word, is_openai_host
from ..json_format import schema_of, split_format
from ..payload import valid_arguments, valid_name
from ..provider_tools import encode_tools
from ..state_items import PLACE, items_of, place_items
from .items import API

# The fields of reasoning that may go back; some of the others are refused.
_REASONING_FIELDS = ("type", "id", "summary", "encrypted_content", PLACE)

_FIRST = ("system", "user")
"""The roles of the messages that a conversation begins with."""

_PROVIDER_TOOLS = {"web_search": {"type": "web_search"}}


def encode_responses(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Return the keyword arguments of the SDK's ``responses.create``.

    An option that is not set is not in the payload: the server's default applies.

    Args:
        request: the request.
        endpoint: the server, as in `payload.encode_request`.

    Example:
        >>> from cellmage import Options
        >>> messages = Message("system", "Be brief."), Message("user", "Hi")
        >>> request = Request(messages, Options(model="m", max_tokens=99, effort="low"))
        >>> payload = encode_responses(request, Endpoint("http://localhost:8000/v1"))
        >>> payload["instructions"], payload["input"], payload["max_output_tokens"]
        ('Be brief.', [{'role': 'user', 'content': 'Hi'}], 99)
        >>> payload["reasoning"]
        {'effort': 'low', 'summary': 'auto'}
    """
    options = request.options
    effort = effort_word(options.effort, endpoint)
    form, extra_body = split_format(options.extra_body)
    system = [message.text for message in request.messages if message.role == "system"]
    payload = {
        "model": options.model,
        "instructions": join_surrogates("\n\n".join(system)) or None,
        "input": [item for message in request.messages for item in _encode(message)],
        "tools": encode_tools(request, _encode_tool, _PROVIDER_TOOLS),
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        # Without a summary nothing of the reasoning would be seen.
        "reasoning": {"effort": effort, "summary": "auto"} if effort else {"summary": "auto"},
        "temperature": options.temperature,
        "max_output_tokens": options.max_tokens,
        "text": {"format": {"type": form.get("type"), **schema_of(form)}} if form else None,
        "prompt_cache_key": _cache_key(request) if is_openai_host(endpoint) else None,
        "extra_body": extra_body or None,
    }
    return {name: value for name, value in payload.items() if value is not None}


def _cache_key(request: Request) -> str:
    """Return a name of the conversation: it is routed to the server that has its beginning cached.

    It is made of what the conversation begins with, which the request contains anyway.
    """
    texts = [
        next((message.text for message in request.messages if message.role == role), "")
        for role in _FIRST
    ]
    names = [str(tool.get("name")) for tool in request.tools]
    digest = sha256("\0".join([*texts, *names]).encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


def _encode_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    # A function is strict by default: then each argument must be required.
    return {"type": "function", "strict": False, **schema}


def _encode(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the items of a message; the system prompt is none."""
    content = join_surrogates(message.text)
    if message.role == "user":
        yield {"role": "user", "content": encode_content(message.content, API)}
    elif message.role == "tool":
        call_id = message.tool_call_id
        yield {"type": "function_call_output", "call_id": call_id, "output": content}
    elif message.role == "assistant":
        yield from _encode_answer(message, content)


def _encode_answer(message: Message, content: str) -> Iterator[dict[str, Any]]:
    """Yield the parts of an answer, its text and its calls, with the reasoning before each."""
    states = list(items_of(message.state, API))
    parts: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": valid_name(call.name),
            "arguments": valid_arguments(call.arguments),
        }
        for call in message.tool_calls
    ]
    if content:
        phases = [item["phase"] for item in states if item.get("phase")]
        phase = {"phase": phases[-1]} if phases else {}
        parts.insert(0, {"role": "assistant", "content": content, **phase})
    reasoning = (
        {name: item[name] for name in _REASONING_FIELDS if name in item}
        for item in states
        if item.get("encrypted_content")
    )
    return place_items(reasoning, parts)
