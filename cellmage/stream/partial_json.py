"""JSON while it is being written: what may be shown of it now, and what it is at the end."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import jiter

from ..errors import ProtocolError
from ..messages import Response

if TYPE_CHECKING:
    pass


_GROWTH = 32
_PAUSE = 0.05
"""A text is parsed again when it is 1/32 longer, or so many seconds after the last time."""

_LONG = 0.005
"""Seconds from which a parse is a long one, after which others wait."""

_FENCE = re.compile(rb"(?:\A|\n)[ \t]*(`{3,})[^`\n]*\n")
_BEGINS_A_FENCE = re.compile(rb"(?:\A|\n)[ \t]*(?:`{1,2}|`{3,}[^`\n]*)\Z")
_PLACE = re.compile(r"line (\d+) column (\d+)\Z")


class _Nothing:
    """No value has begun."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing()


class PartialJSON:
    """A JSON text that arrives in pieces. No I/O, and no exception while it arrives.

    A key that was shown stays, a shown string is the beginning of the later one, a list never gets
    shorter; a number at the very end may still grow. A code fence around the value is not part of
    it. What is malformed keeps the value that it had before.

    Example:
        >>> reader = PartialJSON()
        >>> pieces = ('{"city": "Pa', 'ris", "days"', ": 3}")
        >>> [reader.feed(piece) and reader.value for piece in pieces]
        [{'city': 'Pa'}, {'city': 'Paris'}, {'city': 'Paris', 'days': 3}]
        >>> reader.close()
        {'city': 'Paris', 'days': 3}
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._parsed = 0
        self._start: int | None = None
        self._fence = b""
        self._free = self._next = 0.0
        self._value: Any = NOTHING
        self._is_over = False

    def feed(self, piece: str, now: float | None = None) -> bool:
        """Take the next piece; whether the value was looked at anew."""
        self._bytes += piece.encode("utf-8", "replace")
        now = time.monotonic() if now is None else now
        has_grown = (len(self._bytes) - self._parsed) * _GROWTH >= len(self._bytes)
        if self._is_over or now < (self._free if has_grown else self._next):
            return False
        began = time.perf_counter()
        self._parse()
        # Of a long text more rarely, so that most of the time is not spent on it.
        took = time.perf_counter() - began
        self._free = now + 3 * took if took > _LONG else now
        self._next = now + max(_PAUSE, 4 * took)
        return True

    @property
    def value(self) -> Any:
        """The value so far; `NOTHING` before it begins."""
        if self._parsed < len(self._bytes) and not self._is_over:
            self._parse()
        return self._value

    def close(self) -> Any:
        """The value at the end of the text.

        Raises:
            ProtocolError: the text is not JSON; the message says where.
        """
        problem = ""
        try:
            data = self._data().rstrip()
            return jiter.from_json(data.removesuffix(self._fence) if self._fence else data)
        except ValueError as error:
            problem = str(error)
        raise ProtocolError(f"the answer is not the JSON that was asked for: {problem}")

    def _parse(self) -> None:
        self._parsed = len(self._bytes)
        data = self._data()
        try:
            self._value = jiter.from_json(data, partial_mode="trailing-strings")
        except ValueError as error:
            self._malformed(data, str(error))

    def _malformed(self, data: bytes, problem: str) -> None:
        """Keep the value before the error; an end that comes too early is none."""
        if problem.startswith("EOF"):
            return
        before = b"" if "recursion" in problem else _before(data, problem)
        # Where no value has begun, there may yet be one in a fence.
        self._is_over = bool(before.strip()) or "recursion" in problem
        self._value = NOTHING
        with suppress(ValueError):
            self._value = jiter.from_json(before, partial_mode="trailing-strings")

    def _data(self) -> bytes:
        """The text from where the value begins: behind a fence, if there is one."""
        if self._start is None and self._value is NOTHING:
            fence = _FENCE.search(self._bytes)
            if fence is not None:
                self._start, self._fence = fence.end(), fence[1]
            elif _BEGINS_A_FENCE.search(self._bytes):
                return b""
        return bytes(self._bytes[self._start or 0 :])


def _before(data: bytes, problem: str) -> bytes:
    """What stands before the place that an error names by line and column, counted in bytes."""
    place = _PLACE.search(problem)
    line, column = (int(number) for number in place.groups()) if place else (1, 1)
    start = 0
    for _ in range(line - 1):
        start = data.index(b"\n", start) + 1
    return data[: max(0, start + column - 1)]


def checked(response: Response) -> Any:
    """The value of an answer that has come.

    Raises:
        ProtocolError: it is not JSON, or was cut.

    Example:
        >>> checked(Response('{"n": 1}'))
        {'n': 1}
    """
    if response.incomplete_reason:
        raise ProtocolError(
            f"the JSON is not whole: the answer was cut ({response.incomplete_reason})"
        )
    reader = PartialJSON()
    reader.feed(response.final_text)
    return reader.close()
