"""An estimate of the tokens of a row, before it is asked: of its request and its answer."""

from __future__ import annotations

from ..content import attachment_tokens, attachments_of
from ..messages import Request, Response

_CHARS_PER_TOKEN = 4
_WEIGHT = 0.1
_FIRST_OUTPUT_TOKENS = 200


class TokenEstimate:
    """Estimates the tokens of a row by those of the rows before it.

    Example:
        >>> from cellmage import Message, Options
        >>> TokenEstimate().of(Request((Message("user", "x" * 400),), Options(max_tokens=50)))
        150
    """

    def __init__(self) -> None:
        self._factor = 1.0
        self._output = 0.0

    def of(self, request: Request) -> int:
        """Return the tokens that a server may count of a request and its answer."""
        most = request.options.max_tokens
        output = self._output or _FIRST_OUTPUT_TOKENS
        return round(self._factor * _input_tokens(request) + min(output, most or output))

    def learn(self, request: Request, response: Response) -> None:
        """Correct the estimate by the count of an answer."""
        usage = response.usage
        if usage is None or usage.input_tokens is None or usage.output_tokens is None:
            return
        factor = usage.input_tokens / max(1, _input_tokens(request))
        is_first = not self._output
        weight = 1.0 if is_first else _WEIGHT
        self._factor += weight * (factor - self._factor)
        self._output += weight * (max(1, usage.output_tokens) - self._output)


def _input_tokens(request: Request) -> int:
    chars = sum(len(message.text) for message in request.messages)
    attachments = [part for message in request.messages for part in attachments_of(message.content)]
    return chars // _CHARS_PER_TOKEN + sum(map(attachment_tokens, attachments))
