"""Translate foreign errors: exceptions of the SDK and its HTTP library, statuses, error bodies.

Every row of a table is one kind of failure. A new code is a line in `CODES`, a new status a line in
`STATUS`.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    CellmageError,
    ConfigError,
    ConnectError,
    HTTPStatusError,
    IncompleteResponseError,
    Kind,
    ProtocolError,
    ResponseTimeoutError,
)
from ..text import truncate

# Foreign exceptions by class name, looked up along the MRO: the SDK sits on httpx up to openai 2
# and on httpx2 from openai 3 on, and neither may be imported before the first request.
FOREIGN: Mapping[str, tuple[type[CellmageError], str]] = {
    "ConnectTimeout": (ConnectError, "no connection within the time limit; is the server running?"),
    "ConnectError": (ConnectError, "no connection; is the address right and the server running?"),
    "UnsupportedProtocol": (ConfigError, "the address must start with http:// or https://"),
    "InvalidURL": (ConfigError, "the address is not a valid URL"),
    "LocalProtocolError": (ConfigError, "the request cannot be sent; is the key complete?"),
    "UnicodeEncodeError": (ConfigError, "the key contains a character that no key has"),
    "DecodingError": (ProtocolError, "the answer is compressed in a way that cannot be read"),
    "TimeoutException": (ResponseTimeoutError, "no data arrived on the connection"),
    "TransportError": (IncompleteResponseError, "the connection was lost before the answer ended"),
    "APIConnectionError": (ConnectError, "no connection"),
}

# Why no connection could be made, by the class of the innermost cause.
CAUSES: Mapping[str, str] = {
    "gaierror": "there is no host of this name; is it typed right, is there a network?",
    "SSLCertVerificationError": "its certificate is not trusted",
    "SSLError": "no secure connection can be made; should the address begin with http://?",
    "ConnectionRefusedError": "nothing answers at this address; is the server running?",
}

# HTTP statuses: the kind, and what to do about it. Anything else is the class of its hundreds.
STATUS: Mapping[int, tuple[Kind, str]] = {
    401: ("auth", "the key was refused"),
    402: ("quota", "there is no credit left"),
    403: ("permission", "this key may not use the model"),
    404: ("not_found", "there is no such model or address"),
    408: ("server", "the provider timed out"),
    413: ("bad_request", "the question is too long for the provider"),
    429: ("rate_limited", "too many requests for now"),
}
STATUS_CLASS: Mapping[int, tuple[Kind, str]] = {
    3: ("redirect", "the address has moved; redirects are not followed"),
    4: ("bad_request", "the request was refused"),
    5: ("server", "the provider failed"),
}


def translate(error: BaseException, *, host: str, model: str) -> CellmageError | None:
    """Return our error for a foreign one, or None if no table knows it.

    Args:
        error: what the SDK or its HTTP library raised.
        host: the host that was asked.
        model: the model that was asked.

    Example:
        >>> class ConnectError(Exception): pass
        >>> str(translate(ConnectError(), host="localhost", model="m"))
        'm at localhost: no connection; is the address right and the server running?'
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _from_status(error, status, host, model)
    for candidate in (error.__cause__, error):
        for cls in type(candidate).__mro__:
            if cls.__name__ in FOREIGN:
                ours, message = FOREIGN[cls.__name__]
                if ours is ConnectError:
                    message = _cause(error) or message
                return ours(f"{model} at {host}: {message}", host=host, model=model)
    return None


def _cause(error: BaseException | None) -> str:
    """Return why no connection could be made, from the innermost error that the table knows."""
    cause = ""
    while error is not None:
        for cls in type(error).__mro__:
            if cls.__name__ in CAUSES:
                cause = ": ".join(filter(None, (CAUSES[cls.__name__], _detail(error))))
                break
        error = error.__cause__ or error.__context__
    return cause


def _detail(error: BaseException) -> str:
    return str(getattr(error, "verify_message", ""))


_MAX_MESSAGE_CHARS = 300

# Codes and types in an error body that are more precise than the HTTP status.
CODES: Mapping[str, tuple[Kind, str]] = {
    "content_filter": ("content_filter", "the provider's filter blocked the answer"),
    "responsibleaipolicyviolation": ("content_filter", "the provider's filter blocked the answer"),
    "insufficient_quota": ("quota", "there is no credit left"),
    "billing_hard_limit_reached": ("quota", "there is no credit left"),
    "invalid_api_key": ("auth", "the key was refused"),
    "model_not_found": ("not_found", "there is no such model"),
    "context_length_exceeded": ("context_overflow", "the conversation is too long for the model"),
    "exceed_context_size_error": ("context_overflow", "the conversation is too long for the model"),
}
# Anthropic, Gemini, Groq, vLLM and LiteLLM report the same without a code.
_TOO_LONG = re.compile(
    r"context (length|window|size)|ContextWindow|prompt is too long|token count.{0,40} exceeds"
    r"|too many (input )?tokens|reduce the length",
    re.IGNORECASE,
)
_RETRIABLE_KINDS = {"rate_limited", "server"}
_MAX_RETRIES = 2


def _from_status(error: BaseException, status: int, host: str, model: str) -> HTTPStatusError:
    body = getattr(error, "body", None)
    kind, advice = STATUS.get(status) or STATUS_CLASS.get(status // 100, ("server", "failed"))
    message = provider_message(body)
    if kind == "bad_request" and _TOO_LONG.search(message):
        kind, advice = CODES["context_length_exceeded"]
    kind, advice = next((CODES[code] for code in _codes(body) if code in CODES), (kind, advice))
    headers = getattr(getattr(error, "response", None), "headers", {})
    if kind == "redirect" and (target := headers.get("location")):
        advice += f"; the new one is {target}"
    ours = HTTPStatusError(
        f"{model} at {host}: {advice} (HTTP {status})" + (f": {message}" if message else ""),
        kind=kind,
        host=host,
        model=model,
        request_id=getattr(error, "request_id", None),
    )
    ours.short = f"{host}: {advice}"
    if kind in _RETRIABLE_KINDS and headers.get("x-should-retry") != "false":
        ours.retries, ours.retry_after = _MAX_RETRIES, parse_retry_after(headers.get("retry-after"))
    return ours


def _codes(body: Any) -> Iterator[str]:
    """Yield the codes and types of an error body, the innermost first."""
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, Mapping):
        for name in ("error", "innererror"):
            yield from _codes(body.get(name))
        yield from (str(body[name]).lower() for name in ("code", "type") if body.get(name))


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header; None if it cannot be waited for.

    Source: RFC 9110, section 10.2.3: a number of seconds, or a date.

    Example:
        >>> parse_retry_after("2"), parse_retry_after("soon"), parse_retry_after("-5")
        (2.0, None, None)
    """
    try:
        seconds = float(value or "")
    except ValueError:
        seconds = _seconds_until(value or "")
    return seconds if 0 <= seconds < math.inf else None


def _seconds_until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return math.nan


def provider_message(body: Any) -> str:
    """Return the message of an error body, as one line of at most 300 characters.

    Example:
        >>> provider_message({"error": {"message": "model is loading"}})
        'model is loading'
    """
    while isinstance(body, Mapping) and ("error" in body or "message" in body):
        body = body["error"] if body.get("error") else body.get("message")
    if isinstance(body, list) and body:
        return provider_message(body[0])
    line = " ".join(body.split()) if isinstance(body, str) else ""
    if line.startswith("<"):
        return "a web page came back; does the base URL end in /v1?"
    return truncate(line, _MAX_MESSAGE_CHARS)
