"""Encode a request as the payload of a chat completion; no I/O.

Source: OpenAI's API reference, "Create chat completion", and the payloads that servers which are
compatible with it refuse.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import jiter

from ..messages import Message, Request
from ..text import join_surrogates
from .chat_state import add_placeholders, add_state
from .content_parts import encode_content
from .endpoints import Endpoint, effort_word
from .provider_tools import encode_function, encode_tools

# The name of a tool, as OpenAI accepts it.
_MAX_NAME_CHARS = 64
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")

# Tool calls without text: LM Studio, mistral-common and GLM refuse a content that is null, some
# gateways one that is left out, and Bedrock and gateways before Claude one that is empty.
_REFUSES_EMPTY = re.compile("claude|anthropic|bedrock", re.IGNORECASE)

# The message that Mistral requires after a tool's, where the user stopped the answer.
_STOPPED = {"role": "assistant", "content": "(stopped)"}


def encode_request(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Return the keyword arguments of the SDK's ``chat.completions.create``.

    An option that is not set is not in the payload: the server's default applies.

    Args:
        request: the request.
        endpoint: the server, whose field names and limits apply.

    Example:
        >>> from cellmage import Options
        >>> request = Request((Message("user", "Hi"),), Options(model="m", temperature=0))
        >>> payload = encode_request(request, Endpoint("http://localhost:8000/v1"))
        >>> payload["messages"], payload["temperature"], "max_tokens" in payload
        ([{'role': 'user', 'content': 'Hi'}], 0, False)
    """
    options = request.options
    usage = {"include_usage": True} if endpoint.supports_stream_usage else None
    payload = {
        "model": options.model,
        "messages": _encode_messages(request, endpoint),
        "tools": encode_tools(request, encode_function),
        "stream": True,
        "stream_options": usage,
        "temperature": options.temperature,
        "reasoning_effort": effort_word(options.effort, endpoint),
        endpoint.max_tokens_field: options.max_tokens,
        "extra_body": dict(options.extra_body) or None,
    }
    return {name: value for name, value in payload.items() if value is not None}


def _encode_messages(request: Request, endpoint: Endpoint) -> list[dict[str, Any]]:
    encoded: list[dict[str, Any]] = []
    no_text: Literal[""] | None = None if _REFUSES_EMPTY.search(request.options.model or "") else ""
    roles = [message.role for message in request.messages]
    last_question = max((i for i, role in enumerate(roles) if role == "user"), default=-1)
    for index, message in enumerate(request.messages):
        is_after_tool = message.role == "user" and encoded and encoded[-1]["role"] == "tool"
        if is_after_tool and endpoint.requires_assistant_after_tool:
            encoded.append(dict(_STOPPED))
        encoded.append(encode_message(message, no_text))
        if message.tool_calls:
            add_placeholders(encoded[-1], request.options.model or "", index > last_question)
    return encoded


def encode_message(message: Message, no_text: Literal[""] | None = "") -> dict[str, Any]:
    """Return a message in the form of chat completions.

    Args:
        message: the message.
        no_text: the content of tool calls without text.

    Example:
        >>> encode_message(Message("tool", "rain", tool_call_id="call0"))
        {'role': 'tool', 'content': 'rain', 'tool_call_id': 'call0'}
    """
    content = encode_content(message.content, "chat")
    encoded: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        encoded["content"] = content or no_text
        encoded["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": valid_name(call.name),
                    "arguments": valid_arguments(call.arguments),
                },
            }
            for call in message.tool_calls
        ]
    add_state(encoded, message.state)
    if message.tool_call_id:
        encoded["tool_call_id"] = message.tool_call_id
    return encoded


def valid_name(name: str) -> str:
    """Return the name of a tool as servers accept it: the model may have invented one."""
    return _NOT_IN_NAMES.sub("_", name)[:_MAX_NAME_CHARS] or "unnamed"


def valid_arguments(arguments: str) -> str:
    """Return arguments that servers can parse.

    Arguments that are not a JSON object become ``{}``: the tool's result says what was wrong.
    """
    try:
        value = jiter.from_json(arguments.encode("utf-8", "replace"), allow_inf_nan=False)
    except ValueError:
        return "{}"
    return join_surrogates(arguments) if isinstance(value, dict) else "{}"
