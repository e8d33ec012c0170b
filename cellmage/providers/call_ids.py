"""Ids of tool calls as every server takes them; no I/O.

An id is the server's that made it. Anthropic refuses one that is there twice in a conversation,
which others number anew in each answer; Mistral refuses any but nine letters and digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from ..messages import Message, Request

_MISTRAL = re.compile("[sx]tral", re.IGNORECASE)
"""Part of the names of all its models: mistral, mixtral, codestral, …"""

_NINE = re.compile("[A-Za-z0-9]{9}")
_ANY = re.compile("[A-Za-z0-9_-]{1,64}")


def make_ids_unique(request: Request) -> Request:
    """Return the request with ids of calls that its model takes, each of them once.

    The same request gets the same ids, so that providers find it in their caches.

    Example:
        >>> from cellmage import Options, ToolInvocation
        >>> step = Message("assistant", "", (ToolInvocation("call_0", "add", "{}"),))
        >>> result = Message("tool", "3", tool_call_id="call_0")
        >>> request = Request((step, result, step, result), Options(model="claude-opus-5-5"))
        >>> [message.tool_call_id for message in make_ids_unique(request).messages[1::2]]
        ['call_0', 'a49649a15']
    """
    if not any(message.tool_calls for message in request.messages):
        return request
    pattern = _NINE if _MISTRAL.search(request.options.model or "") else _ANY
    return replace(request, messages=tuple(_rename_calls(request.messages, pattern)))


def _rename_calls(messages: tuple[Message, ...], pattern: re.Pattern[str]) -> Iterator[Message]:
    used: set[str] = set()
    names: dict[str, str] = {}  # the new ids of the latest calls, by the old ones
    for message in messages:
        if message.tool_calls:
            names = {}
            for call in message.tool_calls:
                is_valid = pattern.fullmatch(call.id) and call.id not in used
                names[call.id] = call.id if is_valid else _make_id(call.id, len(used))
                used.add(names[call.id])
            calls = tuple(replace(call, id=names[call.id]) for call in message.tool_calls)
            yield replace(message, tool_calls=calls)
        elif message.tool_call_id in names:
            yield replace(message, tool_call_id=names[message.tool_call_id])
        else:
            yield message


def _make_id(id: str, number: int) -> str:
    """Return nine letters and digits."""
    return sha256(f"{number} {id}".encode("utf-8", "replace")).hexdigest()[:9]
