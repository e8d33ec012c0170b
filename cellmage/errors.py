"""Every error that cellmage raises, and the tables that translate foreign ones.

CellmageError
├── UsageError         what was typed cannot be used; nothing was sent
├── ConfigError        a key or an address is missing or unusable; nothing was sent
└── ProviderError      the model's side failed
    ├── ConnectError   no connection could be made
    ├── HTTPStatusError    the request was answered with an HTTP error
    ├── ProtocolError  what came back is not an answer that can be read
    ├── ResponseTimeoutError   nothing came within a time limit
    └── IncompleteResponseError       the answer broke off before its end
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any


class CellmageError(Exception):
    """The base of the tree: one sentence to read, and the facts as attributes.

    Args:
        message: one line without times and ids, so that it is the same in every run. It names an
            option in backquotes: see `spell_option`.
        kind: what happened, as one word for programs (``"auth"``, ``"connection_lost"``, …).
        host: the host that was asked, or None.
        model: the model that was asked, or None.
        request_id: the provider's id of the request, or None.
        text: the text of the answer that had arrived before the error.
        option: the name of the option or method that the message advises, or None.

    Example:
        >>> error = ConfigError("gpt-4o needs a key", model="gpt-4o")
        >>> error.kind, error.model, str(error)
        ('config', 'gpt-4o', 'gpt-4o needs a key')
    """

    kind = "error"

    def __init__(  # noqa: PLR0913 - the facts of a failure are a flat list
        self,
        message: str,
        *,
        kind: str | None = None,
        host: str | None = None,
        model: str | None = None,
        request_id: str | None = None,
        text: str = "",
        option: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind or type(self).kind
        self.host = host
        self.model = model
        self.request_id = request_id
        self.text = text
        self.option = option

    def _render_traceback_(self) -> list[str]:
        """Return one line for the notebook (IPython's hook); the cell still fails."""
        return [f"{type(self).__name__}: {self}"]


def spell_option(text: str, option: str | None, spelling: str) -> str:
    """Return a message with the option that it names written as the user types it here.

    The core names the option as Python does; the magics and the command line each have flags.

    Args:
        text: the text of an error or a notice, with the option in backquotes.
        option: the name of the option; None leaves the text as it is.
        spelling: what replaces the name and its backquotes.

    Example:
        >>> spell_option("no text arrived; `timeout` allows more", "timeout", "--timeout SECONDS")
        'no text arrived; --timeout SECONDS allows more'
    """
    return text.replace(f"`{option}`", spelling) if option else text


class UsageError(CellmageError, ValueError):
    """What was typed cannot be used; the message says what to type instead."""

    kind = "usage"


class SpendLimitError(UsageError):
    """The spend limit is reached; nothing was sent."""

    kind = "spend_limit"


class ConfigError(CellmageError):
    """A model, a key or an address is missing or unusable."""

    kind = "config"


class ProviderError(CellmageError):
    """The model's side failed.

    Attributes:
        retries: how many times asking again may help.
        retry_after: seconds after which the server wants to be asked again; None if it did not say.
        short: what happened, without who was asked.
    """

    kind = "provider_error"
    retries = 0
    retry_after: float | None = None
    short = "the provider failed"


class ConnectError(ProviderError):
    """No connection could be made."""

    kind = "connect"


class HTTPStatusError(ProviderError):
    """The request was answered with an HTTP error status."""

    kind = "server"


class ProtocolError(ProviderError):
    """What came back is not an answer that can be read."""

    kind = "protocol"


class OutputValidationError(ProviderError):
    """The answer is complete, but it is not the JSON that was asked for."""

    kind = "validation"


class ResponseTimeoutError(ProviderError):
    """Nothing came within a time limit."""

    kind = "stalled"


class IncompleteResponseError(ProviderError):
    """The answer broke off before its end."""

    kind = "connection_lost"


# Foreign exceptions by class name, looked up along the MRO: the SDK sits on httpx up to openai 2
# and on httpx2 from openai 3 on, and neither may be imported before the first request.
FOREIGN: Mapping[str, tuple[type[CellmageError], str]] = {
    "ConnectTimeout": (ConnectError, "no connection within the time limit; is the server running?"),
    "ConnectError": (ConnectError, "no connection; is the address right and the server running?"),
    "UnsupportedProtocol": (ConfigError, "the address must start with http:// or https://"),
    "InvalidURL": (ConfigError, "the address is not a valid URL"),
    "LocalProtocolError": (ConfigError, "the request cannot be sent; is the key complete?"),
    "UnicodeEncodeError": (ConfigError, "the key holds a character that no key has"),
    "DecodingError": (ProtocolError, "the answer is compressed in a way that cannot be read"),
    "TimeoutException": (ResponseTimeoutError, "the connection went silent"),
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
STATUS: Mapping[int, tuple[str, str]] = {
    401: ("auth", "the key was refused"),
    402: ("quota", "there is no credit left"),
    403: ("permission", "this key may not use the model"),
    404: ("not_found", "there is no such model or address"),
    408: ("server", "the provider timed out"),
    413: ("bad_request", "the question is too long for the provider"),
    429: ("rate_limited", "too many requests for now"),
}
STATUS_CLASS: Mapping[int, tuple[str, str]] = {
    3: ("redirect", "the address has moved; redirects are not followed"),
    4: ("bad_request", "the request was refused"),
    5: ("server", "the provider failed"),
}


def translate(error: BaseException, *, host: str, model: str) -> CellmageError | None:
    """Our error for a foreign one, or None where the table knows none.

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
    """Why no connection could be made, as the network's own errors below this one tell."""
    found = ""
    while error is not None:
        for cls in type(error).__mro__:
            if cls.__name__ in CAUSES:
                found = ": ".join(filter(None, (CAUSES[cls.__name__], _detail(error))))
                break
        error = error.__cause__ or error.__context__
    return found


def _detail(error: BaseException) -> str:
    return str(getattr(error, "verify_message", ""))


# Codes and types in an error body that say more than the HTTP status.
CODES: Mapping[str, tuple[str, str]] = {
    "content_filter": ("content_filter", "the provider's filter blocked the answer"),
    "responsibleaipolicyviolation": ("content_filter", "the provider's filter blocked the answer"),
    "insufficient_quota": ("quota", "there is no credit left"),
    "billing_hard_limit_reached": ("quota", "there is no credit left"),
    "invalid_api_key": ("auth", "the key was refused"),
    "model_not_found": ("not_found", "there is no such model"),
    "context_length_exceeded": ("context_length", "the conversation is too long for the model"),
    "exceed_context_size_error": ("context_length", "the conversation is too long for the model"),
}
# Anthropic, Gemini, Groq, vLLM and LiteLLM say the same with no code.
_TOO_LONG = re.compile(
    r"context (length|window|size)|ContextWindow|prompt is too long|token count.{0,40} exceeds"
    r"|too many (input )?tokens|reduce the length",
    re.IGNORECASE,
)
_RETRIED = {"rate_limited", "server"}
_RETRIES = 2


def _from_status(error: BaseException, status: int, host: str, model: str) -> HTTPStatusError:
    body = getattr(error, "body", None)
    kind, advice = STATUS.get(status) or STATUS_CLASS.get(status // 100, ("server", "failed"))
    said = provider_message(body)
    if kind == "bad_request" and _TOO_LONG.search(said):
        kind, advice = CODES["context_length_exceeded"]
    kind, advice = next((CODES[code] for code in _codes(body) if code in CODES), (kind, advice))
    headers = getattr(getattr(error, "response", None), "headers", {})
    if kind == "redirect" and (target := headers.get("location")):
        advice += f"; the new one is {target}"
    ours = HTTPStatusError(
        f"{model} at {host}: {advice} (HTTP {status})" + (f": {said}" if said else ""),
        kind=kind,
        host=host,
        model=model,
        request_id=getattr(error, "request_id", None),
    )
    ours.short = f"{host}: {advice}"
    if kind in _RETRIED and headers.get("x-should-retry") != "false":
        ours.retries, ours.retry_after = _RETRIES, seconds(headers.get("retry-after"))
    return ours


def _codes(body: Any) -> Iterator[str]:
    """Codes and types of an error body, the innermost first."""
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, Mapping):
        for name in ("error", "innererror"):
            yield from _codes(body.get(name))
        yield from (str(body[name]).lower() for name in ("code", "type") if body.get(name))


def seconds(value: str | None) -> float | None:
    """The seconds of a ``Retry-After`` header; None for what cannot be waited for.

    Source: RFC 9110, section 10.2.3: a number of seconds, or a date.

    Example:
        >>> seconds("2"), seconds("soon"), seconds("-5")
        (2.0, None, None)
    """
    try:
        wait = float(value or "")
    except ValueError:
        wait = _until(value or "")
    return wait if 0 <= wait < math.inf else None


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return math.nan


def provider_message(body: Any) -> str:
    """What a provider says in an error body, as one line of at most 300 characters.

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
    return line if len(line) <= 300 else line[:299] + "…"
