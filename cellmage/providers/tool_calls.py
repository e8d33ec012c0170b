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
the index counts the pieces     [0] a add(     [1] {"x": 1})   neither id nor name: it continues
fields beside "function"        [0] a add({})                  read as those within it
"parameters" or "input"         [0] a add({})                  read as the arguments
no name at all                  [0] a ({})                     left out; `has_nameless` says so
==============================  =============================  ==================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jiter

from ..events import Notice, ToolCall
from ..text import join_surrogates

_ARGUMENTS = ("arguments", "parameters", "input", "args")
"""Names of the field with the arguments: OpenAI's, Llama's, Anthropic's, LangChain's."""

_VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class _PartialCall:
    """A call of which some pieces have arrived."""

    id: str
    name: str = ""
    arguments: str = ""
    extra_content: Any = None

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

    @property
    def has_nameless(self) -> bool:
        """True if a call has no name; it cannot be run."""
        return not all(call.name for call in self._calls)

    def feed(self, pieces: Iterable[Any]) -> None:
        """Add the pieces of one chunk.

        Args:
            pieces: the value of ``tool_calls`` of a delta, as parsed JSON.

        Raises:
            AttributeError, TypeError: they are not pieces of calls.
        """
        for piece in [pieces] if isinstance(pieces, dict) else pieces:
            function = piece.get("function") or piece
            call = self._add(piece.get("index"), piece.get("id"), function)
            call.extra_content = piece.get("extra_content") or call.extra_content

    def calls(self) -> list[ToolCall]:
        """Return the calls with a name in their order, once the answer is complete."""
        return [
            # A lone surrogate stays: the check of the arguments refuses it, and says so.
            ToolCall(
                call.id,
                join_surrogates(call.name, lone="keep"),
                join_surrogates(call.arguments, lone="keep") or "{}",
            )
            for call in self._calls
            if call.name
        ]

    def events(self, has_tools: bool) -> Iterator[ToolCall | Notice]:
        """Yield the calls of a complete answer, and notices in place of those that cannot be run.

        Args:
            has_tools: False if the request offered no tools.
        """
        calls = self.calls()
        if self.has_nameless:
            yield Notice("tool_call", "The model called a tool without its name; nothing was run.")
        if has_tools:
            yield from calls
        elif calls:
            names = ", ".join(call.name for call in calls)
            yield Notice("tool_call", f"The model asked for a tool that it was not given: {names}.")

    def extra_contents(self) -> list[Any]:
        """Return the field ``extra_content`` of each of the calls, or None."""
        return [call.extra_content for call in self._calls if call.name]

    def _add(self, index: Any, id: Any, function: dict[str, Any]) -> _PartialCall:
        id = id if isinstance(id, str) and _VALID_ID.fullmatch(id) else ""  # made anew later
        name = function.get("name") or ""
        arguments = next((function[field] for field in _ARGUMENTS if field in function), None)
        call = self._open_call(index, is_continuation=not (id or name))
        if call is None or _starts_new_call(call, id, name, bool(arguments)):
            call = _PartialCall(id)
            self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        if name != call.name:
            call.name += name
        if arguments:
            call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)
        return call

    def _open_call(self, index: Any, is_continuation: bool) -> _PartialCall | None:
        """Return the call that a piece may belong to.

        Args:
            index: the index in the piece, if any.
            is_continuation: True if the piece has neither an id nor a name: it continues a call.
        """
        last = self._calls[-1] if self._calls else None
        if not isinstance(index, int):
            return last
        call = self._by_index.get(index)
        if is_continuation and (
            call is None or (call.arguments and not call.has_incomplete_arguments())
        ):
            return last
        return call


def _starts_new_call(call: _PartialCall, id: str, name: str, has_arguments: bool) -> bool:
    """Return whether a piece starts another call, though its index is known or missing.

    Args:
        call: the call before it.
        id: the id in the piece, or empty.
        name: the name in the piece, or empty.
        has_arguments: True if the piece contains arguments.
    """
    if not name:
        return False  # "a new id in every piece", "the index counts the pieces"
    if not call.name and not (id and call.id and id != call.id):
        return bool(call.arguments and has_arguments)  # the name comes after its call has begun
    if id and id == call.id:
        return False  # "name and id in every piece"
    is_same_name = name == call.name
    if is_same_name and not id and not has_arguments:
        return False  # "the name once more at the end"
    if is_same_name and call.has_incomplete_arguments():
        return False  # "the name in every piece"
    has_new_id = bool(id and call.id)  # "no index", "every index is 0"
    return has_new_id or bool(call.arguments)  # else "the name in pieces"
