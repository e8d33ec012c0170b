"""Parse JSON while it arrives: the value so far, and the value at the end."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any, Final

import jiter

from ..errors import OutputValidationError
from ..lenient_json import JSON_LANGUAGES, read_json
from ..messages import Response
from ..relaxed_json import Reading

_GROWTH_PARTS = 32
"""A text is parsed again when it has grown by one part in 32."""

_MAX_PAUSE_SECONDS = 0.05
"""A text that grows more slowly is parsed again after this time."""

_SLOW_PARSE_SECONDS = 0.005
"""After a parse that took longer, the next one waits, so that parsing takes a part of the time."""

_FENCE = re.compile(rb"^[ \t]*(`{3,})[ \t]*([^`\s]*)[^`\n]*\n", re.MULTILINE)
_FENCE_START = re.compile(rb"(?:\A|\n)[ \t]*(?:`{1,2}|`{3,}[^`\n]*)\Z")
_ERROR_POSITION = re.compile(r"line (\d+) column (\d+)\Z")


class _Nothing:
    """The value before any value has begun."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing()


class PartialJSON:
    """A JSON text that arrives in pieces. No I/O, and no exception while it arrives.

    A key that was shown stays, a shown string is the beginning of the later one, a list never gets
    shorter; only a number at the very end may still grow. A code fence around the value is skipped.
    Malformed text keeps the value that it had before.

    Example:
        >>> parser = PartialJSON()
        >>> pieces = ('{"city": "Pa', 'ris", "days"', ": 3}")
        >>> [parser.feed(piece) and parser.value for piece in pieces]
        [{'city': 'Pa'}, {'city': 'Paris'}, {'city': 'Paris', 'days': 3}]
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._parsed_bytes = 0
        self._start: int | None = None
        self._grown_due = self._pause_due = 0.0
        self._value: Any = NOTHING
        self._is_malformed = False

    def feed(self, piece: str, now: float | None = None) -> bool:
        """Add the next piece, and return whether the text was parsed again.

        Args:
            piece: the next piece of the text.
            now: seconds of any monotonic clock; None reads the system's.
        """
        self._bytes += piece.encode("utf-8", "replace")
        now = time.monotonic() if now is None else now
        growth = len(self._bytes) - self._parsed_bytes
        has_grown = growth * _GROWTH_PARTS >= len(self._bytes)
        if self._is_malformed or now < (self._grown_due if has_grown else self._pause_due):
            return False
        started_at = time.perf_counter()
        self._parse()
        # A long text is parsed less often, so that most of the time is left for other work.
        seconds = time.perf_counter() - started_at
        self._grown_due = now + 3 * seconds if seconds > _SLOW_PARSE_SECONDS else now
        self._pause_due = now + max(_MAX_PAUSE_SECONDS, 4 * seconds)
        return True

    @property
    def value(self) -> Any:
        """The value so far; `NOTHING` before it begins."""
        if self._parsed_bytes < len(self._bytes) and not self._is_malformed:
            self._parse()
        return self._value

    @property
    def last_value(self) -> Any:
        """The value of the last parse; pieces since then are not in it."""
        return self._value

    def _parse(self) -> None:
        self._parsed_bytes = len(self._bytes)
        data = self._data()
        try:
            self._value = jiter.from_json(
                data, partial_mode="trailing-strings", allow_inf_nan=False
            )
        except ValueError as error:
            self._handle_malformed(data, str(error))

    def _handle_malformed(self, data: bytes, problem: str) -> None:
        """Keep the value before the error; a text that merely ends early is not malformed."""
        if problem.startswith("EOF"):
            return
        valid = b"" if "recursion" in problem else _before_error(data, problem)
        # Where no value has begun, there may still be one in a fence.
        self._is_malformed = bool(valid.strip()) or "recursion" in problem
        self._value = NOTHING
        with suppress(ValueError):
            self._value = jiter.from_json(
                valid, partial_mode="trailing-strings", allow_inf_nan=False
            )

    def _data(self) -> bytes:
        """Return the text from where the value begins: after a fence, if there is one."""
        if self._start is None and self._value is NOTHING:
            self._start = _start_of_fenced_json(self._bytes)
            if self._start is None and _FENCE_START.search(self._bytes):
                return b""
        return bytes(self._bytes[self._start or 0 :])


def _parse_partial(data: bytes) -> Any:
    return jiter.from_json(data, partial_mode="trailing-strings", allow_inf_nan=False)


def _before_error(data: bytes, problem: str) -> bytes:
    """Return the text before the position of an error; jiter counts its columns in bytes."""
    position = _ERROR_POSITION.search(problem)
    line, column = (int(number) for number in position.groups()) if position else (1, 1)
    start = 0
    for _ in range(line - 1):
        start = data.index(b"\n", start) + 1
    return data[: max(0, start + column - 1)]


def _start_of_fenced_json(data: bytes | bytearray) -> int | None:
    """Return where the content of the first fence that may be JSON begins; None without one."""
    opener: bytes | bytearray = b""
    for fence in _FENCE.finditer(data):
        if opener:
            is_end = fence[1].startswith(opener) and not fence[2]
            opener = b"" if is_end else opener
        elif fence[2].decode("utf-8", "replace").lower() in ("", *JSON_LANGUAGES):
            return fence.end()
        else:
            opener = fence[1]
    return None


def read_response(response: Response) -> Reading:
    """Return the JSON value of an answer, with the corrections that it needed.

    Raises:
        OutputValidationError: the answer is not JSON, or was cut.

    Example:
        >>> read_response(Response('{"n": 1}')).value
        {'n': 1}
    """
    if reason := response.incomplete_reason:
        raise OutputValidationError(f"the JSON is incomplete: the answer was cut ({reason})")
    try:
        return read_json(response.final_text)
    except ValueError as error:
        problem = str(error)
    raise OutputValidationError(f"the answer is not the JSON that was asked for: {problem}")
