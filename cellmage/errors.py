"""Every error that cellmage raises.

CellmageError
├── UsageError                    an argument or a flag cannot be used; nothing was sent
│   ├── SpendLimitError           the spend limit is reached; nothing was sent
│   └── ReplayError               the recording has no answer to this question; nothing was sent
├── TwinError                     there can be no copy of this process; no code was run
├── ConfigError                   a key or an address is missing or unusable; nothing was sent
└── ProviderError                 the model's side failed
    ├── ConnectError              no connection could be made
    ├── HTTPStatusError           the request was answered with an HTTP error status
    ├── ProtocolError             the reply is not an answer that can be read
    ├── OutputValidationError     the answer is not the JSON that was asked for
    ├── ResponseTimeoutError      no text arrived within a time limit
    └── IncompleteResponseError   the answer ended before it was complete

Each class has a default ``kind``, one word of `KINDS` for programs.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from .text import clean_message

Kind = Literal[
    # Before a server is asked.
    "config",
    "usage",
    "spend_limit",
    "replay",
    "retrieval",
    "twin",
    # The reply is an HTTP status, or an error object that says the same.
    "auth",
    "permission",
    "quota",
    "rate_limited",
    "bad_request",
    "not_found",
    "redirect",
    "server",
    "context_overflow",
    # The connection.
    "connect",
    "timeout_first_byte",
    "timeout_first_token",
    "stalled",
    "connection_lost",
    "truncated_no_finish",
    # The reply is not an answer.
    "protocol",
    "not_a_stream",
    "empty_response",
    # The model or its provider stopped.
    "length",
    "content_filter",
    "refusal",
    "tool_limit",
    "provider_error",
    # The answer is complete, but not the JSON that was asked for.
    "validation",
    # The user or the program stopped.
    "interrupted",
]
"""One word for each thing that can go wrong; docs/reliability.md has a line about each."""

KINDS: Final = frozenset[str](get_args(Kind))
"""The words of `Kind`."""


class CellmageError(Exception):
    """The base of the tree: one sentence to read, and the facts as attributes.

    Args:
        message: one line without times and ids, so that it is the same in every run. It names an
            option in backquotes: see `spell_option`.
        kind: what happened, as one word of `KINDS` (``"auth"``, ``"connection_lost"``, …).
        host: the host that was asked, or None.
        model: the model that was asked, or None.
        request_id: the provider's id of the request, or None.
        text: the text of the answer that had arrived before the error.
        option: the name of the option or method that the message advises, or None.

    Example:
        >>> error = ConfigError("gpt-6-luna needs a key", model="gpt-6-luna")
        >>> error.kind, error.model, str(error)
        ('config', 'gpt-6-luna', 'gpt-6-luna needs a key')
    """

    kind: Kind = "provider_error"

    def __init__(  # noqa: PLR0913 - the facts of a failure are a flat list
        self,
        message: str,
        *,
        kind: Kind | None = None,
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

    def __str__(self) -> str:
        """Return the message as a terminal may print it; ``args`` has it as it was received."""
        return clean_message(super().__str__())

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
    """An argument, a flag or a value cannot be used; the message says what to type instead."""

    kind: Kind = "usage"


class SpendLimitError(UsageError):
    """The spend limit is reached; nothing was sent."""

    kind: Kind = "spend_limit"


class ReplayError(UsageError):
    """The recording has no answer to this question; the message says what differs."""

    kind: Kind = "replay"


class TwinError(CellmageError):
    """There can be no copy of this process to run code in; the message says why."""

    kind: Kind = "twin"


class ConfigError(CellmageError):
    """A model, a key or an address is missing or unusable."""

    kind: Kind = "config"


class ProviderError(CellmageError):
    """The model's side failed.

    Attributes:
        retries: how many times it may help to send the request again.
        retry_after: seconds that the server asks to wait before that; None if it did not say.
        short: what happened, without the names of model and host.
    """

    kind: Kind = "provider_error"
    retries = 0
    retry_after: float | None = None
    short = "the provider failed"


class ConnectError(ProviderError):
    """No connection could be made."""

    kind: Kind = "connect"


class HTTPStatusError(ProviderError):
    """The request was answered with an HTTP error status."""

    kind: Kind = "server"


class ProtocolError(ProviderError):
    """The reply is not an answer that can be read, such as a web page."""

    kind: Kind = "protocol"


class OutputValidationError(ProviderError):
    """The answer is complete, but it is not the JSON that was asked for."""

    kind: Kind = "validation"


class ResponseTimeoutError(ProviderError):
    """No text arrived within a time limit."""

    kind: Kind = "stalled"


class IncompleteResponseError(ProviderError):
    """The answer ended before it was complete: the connection was lost, or its end is missing."""

    kind: Kind = "connection_lost"
