"""Tool calls, put together from the pieces in which servers send them; no I/O.

OpenAI gives each call of an answer an index, and repeats the index in each of its pieces. The id
and the name are in the first piece only, and the arguments are JSON that is cut anywhere. Other
servers have other habits; below, one piece is ``[index] id name(arguments)``:

==============================  =============================  ==================================
habit                           pieces, in order               the accumulator
==============================  =============================  ==================================
as OpenAI                       [0] a add({"x"   [0] : 1})     one call for each index
no index                        a add({})   b add({})          a new id begins a call
every index is 0                [0] a add({})   [0] b add({})  a new id begins a call
no index, no id                 add({})   add({})              complete arguments end a call
a new id in every piece         [0] a add({"x"   [0] b : 1})   no name, so the call continues
name and id in every piece      [0] a add({"x"   [0] a add(:…  the id is known, so it continues
the name in every piece         [0] add({"x"   [0] add(: 1})   incomplete arguments continue
the name once more at the end   [0] a add({})   [0] add        without id or arguments: no call
the name in pieces              [0] a get_   [0] weather({})   no arguments yet: the name grows
arguments as an object          [0] a add({"x": 1} as JSON)    written as a string
==============================  =============================  ==================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jiter

from ..events import ToolCall
from ..text import join_surrogates

_VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class _PartialCall:
    """A call of which some pieces have arrived."""

    id: str
    name: str = ""
    arguments: str = ""

    def has_incomplete_arguments(self) -> bool:
        """Return whether the arguments have begun, and are not yet a JSON value."""
        try:
            jiter.from_json(self.arguments.encode("utf-8", "replace"))
        except ValueError:
            return bool(self.arguments)
        return False


class ToolCallAccumulator:
    """Puts tool calls together: `feed` it the pieces in order, and read `calls` at the end.

    Example:
        >>> accumulator = ToolCallAccumulator()
        >>> first = {"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"x"'}}
        >>> accumulator.feed([first])
        >>> accumulator.feed([{"index": 0, "function": {"arguments": ": 1}"}}])
        >>> accumulator.calls()
        [ToolCall(id='a', name='add', arguments='{"x": 1}')]
    """

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []
        self._by_index: dict[int, _PartialCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def current_name(self) -> str:
        """The name of the call that is arriving; empty before the first."""
        return self._calls[-1].name if self._calls else ""

    def feed(self, pieces: Iterable[Any]) -> None:
        """Add the pieces of one chunk.

        Args:
            pieces: the list ``tool_calls`` of a delta, as parsed JSON.

        Raises:
            AttributeError, TypeError: they are not pieces of calls.
        """
        for piece in pieces:
            self._add(piece.get("index"), piece.get("id"), piece.get("function") or {})

    def calls(self) -> list[ToolCall]:
        """Return the calls in the order in which they began, once the answer is complete."""
        return [
            # A lone surrogate stays: the check of the arguments refuses it, and says so.
            ToolCall(
                call.id,
                join_surrogates(call.name, lone="keep"),
                join_surrogates(call.arguments, lone="keep") or "{}",
            )
            for call in self._calls
        ]

    def _add(self, index: Any, id: Any, function: dict[str, Any]) -> None:
        id = id if isinstance(id, str) and _VALID_ID.fullmatch(id) else ""  # made anew later
        name, arguments = function.get("name") or "", function.get("arguments")
        last = self._calls[-1] if self._calls else None
        call = self._by_index.get(index) if isinstance(index, int) else last
        if call is None or _starts_new_call(call, id, name, bool(arguments)):
            call = _PartialCall(id)
            self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        if name != call.name:
            call.name += name
        if arguments:
            call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)


def _starts_new_call(call: _PartialCall, id: str, name: str, has_arguments: bool) -> bool:
    """Return whether a piece starts another call, though its index is known or missing.

    Args:
        call: the call before it.
        id: the id in the piece, or empty.
        name: the name in the piece, or empty.
        has_arguments: True if the piece contains arguments.
    """
    if not name:
        return False  # "a new id in every piece"
    if id and id == call.id:
        return False  # "name and id in every piece"
    is_same_name = name == call.name
    if is_same_name and not id and not has_arguments:
        return False  # "the name once more at the end"
    if is_same_name and call.has_incomplete_arguments():
        return False  # "the name in every piece"
    has_new_id = bool(id and call.id)  # "no index", "every index is 0"
    return has_new_id or bool(call.arguments)  # else "the name in pieces"
