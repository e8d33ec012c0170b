"""Decide what may be sent to a model: one policy for the magics, for Python and for ``serve``.

========================  ==============================  ================================
part of the request       a key of this machine           text that looks like a secret
========================  ==============================  ================================
prompt, system prompt     refused                         masked but for its end
answer, tool result       replaced by a short note        masked but for its end
schema of a tool          refused                         refused
========================  ==============================  ================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..errors import UsageError
from ..messages import Message, Request, ToolInvocation
from .endpoints import ENDPOINTS
from .keys import refuse_keys, without_secrets
from .keystore import key_file, keys_in

_WITHHELD = "[withheld: it contains a key of this machine]"


def redact(request: Request, environ: Mapping[str, str] = os.environ) -> Request:
    """Return the request as it may be sent; a notice says what was masked.

    Args:
        request: the complete request: system prompt, earlier turns, passages, tool results.
        environ: where keys are configured, besides the key file.

    Raises:
        UsageError: a prompt or a tool's schema contains a secret; nothing was sent.

    Example:
        >>> from cellmage import Options
        >>> sent = redact(Request((Message("user", "use sk-abcdefghijklmnop1234"),), Options()), {})
        >>> sent.messages[0].content, sent.notices[0][:40]
        ('use …1234', 'The request contains what looks like a k')
    """
    keys = _configured_keys(environ)
    schemas = json.dumps(request.tools, ensure_ascii=False)
    if _redact_text(schemas, keys)[0] != schemas:
        raise UsageError(
            "a tool's signature or docstring contains what looks like a key: remove it there"
        )
    endings: list[str] = []

    def mask(text: str) -> str:
        masked, masked_endings = without_secrets(text)
        endings.extend(masked_endings)
        return masked

    def refuse_or_mask(text: str) -> str:
        refuse_keys([text], keys)
        return mask(text)

    def withhold_or_mask(text: str) -> str:
        return mask(text) if _has_no_key(text, keys) else _WITHHELD

    messages = tuple(
        _redact_message(
            message, refuse_or_mask if message.role in ("system", "user") else withhold_or_mask
        )
        for message in request.messages
    )
    if not endings:
        return replace(request, messages=messages)
    notice = (
        f"The request contains what looks like a key ({', '.join(dict.fromkeys(endings))}): "
        "only its end is sent."
    )
    return replace(request, messages=messages, notices=(*request.notices, notice))


def redact_text(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a text for a model, such as a tool's result, without keys and secrets."""
    return _redact_text(text, _configured_keys(environ))[0]


def _redact_text(text: str, keys: Mapping[str, str]) -> tuple[str, list[str]]:
    return without_secrets(text) if _has_no_key(text, keys) else (_WITHHELD, [])


def _redact_message(message: Message, redact: Callable[[str], str]) -> Message:
    calls = tuple(_redact_call(call, redact) for call in message.tool_calls)
    return replace(message, content=redact(message.content), tool_calls=calls)


def _redact_call(call: ToolInvocation, redact: Callable[[str], str]) -> ToolInvocation:
    return replace(call, arguments=redact(call.arguments), result=redact(call.result))


def _has_no_key(text: str, keys: Mapping[str, str]) -> bool:
    try:
        refuse_keys([text], keys)
    except UsageError:
        return False
    return True


def _configured_keys(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the keys of the environment and the key file, by the name of their variable."""
    variables = {endpoint.api_key_variable for endpoint in ENDPOINTS.values()}
    in_environ = {
        name: environ[name] for name in sorted(filter(None, variables)) if environ.get(name)
    }
    return {**keys_in(key_file()), **in_environ}
