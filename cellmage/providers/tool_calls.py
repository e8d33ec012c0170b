"""Requests for tools, put together from the pieces in which servers send them; no I/O.

OpenAI numbers the calls of an answer, and gives each piece the number. Others give none, give all
of them 0, give a new id with every piece, repeat the name, or send the arguments as an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jiter

from ..events import ToolCall


@dataclass(slots=True)
class _Open:
    """A call that is still being written."""

    id: str
    name: str
    arguments: str = ""

    def is_cut(self) -> bool:
        """Whether its arguments have begun, and are not whole."""
        try:
            jiter.from_json(self.arguments.encode("utf-8", "replace"))
        except ValueError:
            return bool(self.arguments)
        return False


class CallCollector:
    """Feed it the pieces of calls, in order; at the end it gives the calls.

    Example:
        >>> calls = CallCollector()
        >>> calls.feed([{"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"x"'}}])
        >>> calls.feed([{"index": 0, "function": {"arguments": ": 1}"}}])
        >>> calls.calls()
        [ToolCall(id='a', name='add', arguments='{"x": 1}')]
    """

    def __init__(self) -> None:
        self._calls: list[_Open] = []
        self._numbered: dict[int, _Open] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def name(self) -> str:
        """The name of the call that is being written."""
        return self._calls[-1].name if self._calls else ""

    def feed(self, pieces: Iterable[Any]) -> None:
        """Take the pieces of one chunk.

        Raises:
            AttributeError, TypeError: they are no pieces of calls.
        """
        for piece in pieces:
            self._take(piece.get("index"), _id(piece.get("id")), piece.get("function") or {})

    def calls(self) -> list[ToolCall]:
        """All calls, in the order in which they began; to be asked for at the end."""
        return [
            ToolCall(each.id, _joined(each.name), _joined(each.arguments) or "{}")
            for each in self._calls
        ]

    def _take(self, number: Any, name: str, function: dict[str, Any]) -> None:
        called, given = function.get("name") or "", function.get("arguments")
        last = self._calls[-1] if self._calls else None
        call = self._numbered.get(number) if isinstance(number, int) else last
        if call is None or _begins_another(call, name, called, bool(given)):
            call = _Open(name, "")
            self._calls.append(call)
        if isinstance(number, int):
            self._numbered[number] = call
        if called != call.name:
            call.name += called
        call.arguments += given if isinstance(given, str) else json.dumps(given) if given else ""


def _id(given: Any) -> str:
    """An id as every server takes it; what is none is made anew later."""
    return given if isinstance(given, str) and _ID.fullmatch(given) else ""


_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _joined(text: str) -> str:
    """The text with characters put together that were cut into two surrogates."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _begins_another(call: _Open, name: str, called: str, has_arguments: bool) -> bool:
    """Whether a piece, for which the server gives no new number, begins another call.

    Args:
        call: the one before it.
        name: the piece's id.
        called: the name of the tool in it.
        has_arguments: whether there are any in it.
    """
    if not called or (name and name == call.id):
        return False  # a piece without a name goes on, whatever its id
    is_repeated = called == call.name and not (name or has_arguments)
    if is_repeated or (call.is_cut() and called == call.name):
        return False
    has_new_id = bool(name and call.id)
    return has_new_id or bool(call.arguments)  # else the name comes in pieces
