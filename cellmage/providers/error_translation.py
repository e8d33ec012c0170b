"""Translate foreign errors: exceptions of the SDK and its HTTP library, and error bodies.

`error_bodies` reads a body, `error_kinds` says of which kind it is, and this file makes our error.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
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
    ProviderError,
    ResponseTimeoutError,
)
from ..text import excerpt
from .error_bodies import error_codes, error_status, provider_message
from .error_kinds import NO_ADDRESS, Failure, classify

# Foreign exceptions by class name, looked up along the MRO: neither the SDK nor its HTTP library
# may be imported before the first request.
FOREIGN: Mapping[str, tuple[type[CellmageError], str]] = {
    "ConnectTimeout": (ConnectError, "no connection within the time limit; is the server running?"),
    "ConnectError": (ConnectError, "no connection; is the address right and the server running?"),
    "ProxyError": (ConnectError, "the proxy refused the connection"),
    "UnsupportedProtocol": (ConfigError, "the address must start with http:// or https://"),
    "InvalidURL": (ConfigError, "the address is not a valid URL"),
    "LocalProtocolError": (ConfigError, "the request cannot be sent; is the key complete?"),
    "UnicodeEncodeError": (ConfigError, "the key contains a character that no key has"),
    "DecodingError": (ProtocolError, "the answer is compressed in a way that cannot be read"),
    "TimeoutException": (ResponseTimeoutError, "no data arrived on the connection"),
    "TransportError": (IncompleteResponseError, "the connection was lost before the answer ended"),
    "APIConnectionError": (ConnectError, "no connection"),
}

NO_REPLY = "the server closed the connection without a reply; is it the right address?"

# Why no connection could be made, by the class of the innermost cause.
CAUSES: Mapping[str, str] = {
    "gaierror": "there is no host of this name; is it typed right, is there a network?",
    "SSLCertVerificationError": "its certificate is not trusted",
    "SSLError": "no secure connection can be made; should the address begin with http://?",
    "ConnectionRefusedError": "nothing answers at this address; is the server running?",
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
                elif ours is IncompleteResponseError and candidate is not error:
                    message = NO_REPLY  # the SDK wraps what happens before the head of the reply
                return ours(f"{excerpt(model)} at {host}: {message}", host=host, model=model)
    return None


def no_answer_error(error: Exception) -> Exception:
    """Return the error for a connection that broke between the head of the reply and its body."""
    if any(cls.__name__ == "TransportError" for cls in type(error).__mro__):
        return IncompleteResponseError("the connection was lost before any of the answer came")
    return error


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


_UNKNOWN = Failure("server", "the provider failed")
_RETRIABLE_KINDS = {"rate_limited", "server"}
_MAX_RETRIES = 2


def _from_status(error: BaseException, status: int, host: str, model: str) -> HTTPStatusError:
    body = _read_body(error)
    message = provider_message(body)
    kind, advice = classify(message, error_codes(body), status) or _UNKNOWN
    headers = getattr(getattr(error, "response", None), "headers", {})
    if kind == "redirect" and (target := headers.get("location")):
        advice += f"; the new one is {target}"
    ours = HTTPStatusError(
        f"{excerpt(model)} at {host}: {advice} (HTTP {status})"
        + (f": {message}" if message else ""),
        kind=kind,
        host=host,
        model=model,
        request_id=getattr(error, "request_id", None),
    )
    ours.short = f"{host}: {advice}"
    if kind in _RETRIABLE_KINDS and headers.get("x-should-retry") != "false":
        ours.retries, ours.retry_after = _MAX_RETRIES, parse_retry_after(headers.get("retry-after"))
    return ours


def _read_body(error: BaseException) -> Any:
    """Return the whole body; the SDK keeps the value of its field "error" alone."""
    try:
        return str(error.response.text)  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):  # the SDK's HTTP library: the body was not read
        return getattr(error, "body", None)


# Kinds of an error object with status 200 that are told from `provider_error`: in a stream, those
# with an advice of their own; in a body that is not a stream, those that are asked again.
_KINDS_IN_BODY: frozenset[Kind] = frozenset({"context_overflow", "rate_limited"})
_KINDS_IN_STREAM: frozenset[Kind] = _KINDS_IN_BODY | {
    "auth", "permission", "quota", "not_found", "content_filter"
}  # fmt: skip


def stream_error(body: Any, *, is_stream: bool = True) -> ProviderError:
    """Return the error that an error object with status 200 means.

    Args:
        body: the object, of any shape: the data of an event, or the body of the reply.
        is_stream: False if it is the whole body.

    Example:
        >>> error = stream_error({"error": {"code": 429, "message": "slow down"}})
        >>> error.kind, error.retries, str(error)
        ('rate_limited', 2, 'too many requests for now: slow down')
        >>> str(stream_error({"error": {"message": "no slot available"}}))
        'the provider reports an error: no slot available'
    """
    message = provider_message(body) or "without a word"
    failure = classify(message, error_codes(body), error_status(body))
    kinds = _KINDS_IN_STREAM if is_stream else _KINDS_IN_BODY
    if failure is None or (failure.kind not in kinds and failure is not NO_ADDRESS):
        error = ProviderError(f"the provider reports an error: {message}")
    else:
        error = ProviderError(f"{failure.advice}: {message}", kind=failure.kind)
        error.short = failure.advice
    if failure is not None and failure.kind in _RETRIABLE_KINDS:
        error.retries = _MAX_RETRIES
    return error


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
