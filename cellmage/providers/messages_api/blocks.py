"""The content blocks of a message: its reasoning that goes back, and its calls; no I/O.

Source: Anthropic's API reference, "Streaming messages", and "Thinking". A block arrives in pieces:
its beginning, deltas of one of its fields, and its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...messages import ProviderState
from ..state_items import PLACE
from ..tool_calls import ToolCallAccumulator

API = "messages"

PROOFS = {"thinking": "signature", "redacted_thinking": "data"}
"""The types of blocks that go back, and the field without which they are refused."""

# The field of a block, and that of a delta, by the type of the delta.
_PIECES: Mapping[str, tuple[str, str]] = {
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("input", "partial_json"),
}

Fields = Mapping[str, Any]


@dataclass(slots=True)
class _Block:
    """A block of which some pieces have arrived."""

    start: Fields
    is_open: bool = True
    has_text: bool = False
    pieces: dict[str, list[str]] = field(default_factory=dict)

    @property
    def type(self) -> Any:
        return self.start.get("type")

    @property
    def is_call(self) -> bool:
        return bool(self.type == "tool_use")

    @property
    def arguments(self) -> str:
        """The arguments of a call, as the model wrote them."""
        return "".join(self.pieces.get("input", ())) or json.dumps(self.start.get("input") or {})

    def is_cut_call(self) -> bool:
        """Return whether this is a call that is not complete.

        A complete one may have arguments that are no object: then the model is told so.
        """
        name = self.start.get("name")
        return self.is_call and (self.is_open or not isinstance(name, str) or not name)

    def state(self) -> dict[str, Any] | None:
        """Return the block as it goes back; None if it does not."""
        pieces = {name: "".join(pieces) for name, pieces in self.pieces.items()}
        proof = PROOFS.get(str(self.type))
        block = {**self.start, **pieces}
        return block if proof and block.get(proof) else None


class ContentBlocks:
    """Collects the content blocks of one message.

    Example:
        >>> blocks = ContentBlocks()
        >>> blocks.begin(0, {"type": "tool_use", "id": "a", "name": "add", "input": {}})
        >>> blocks.add(0, {"type": "input_json_delta", "partial_json": '{"x": 1}'})
        >>> blocks.finish(0)
        >>> blocks.calls().calls()
        [ToolCall(id='a', name='add', arguments='{"x": 1}')]
    """

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._open: dict[Any, _Block] = {}
        self._has_stray_arguments = False

    @property
    def has_calls(self) -> bool:
        """True once a part of a call has arrived."""
        return self._has_stray_arguments or any(block.is_call for block in self._blocks)

    @property
    def has_cut_call(self) -> bool:
        """True if a call is not complete."""
        return self._has_stray_arguments or any(block.is_cut_call() for block in self._blocks)

    def begin(self, index: Any, start: Fields) -> None:
        """Take the beginning of a block."""
        block = _Block(start)
        self._blocks.append(block)
        self._open[index] = block

    def add(self, index: Any, delta: Fields) -> None:
        """Take a delta of a block.

        Raises:
            TypeError: it has another type than any server sends.
        """
        block = self._open.get(index)
        name, piece = _PIECES.get(str(delta.get("type")), ("", ""))
        text = delta.get(piece) or ""
        if not isinstance(text, str):
            raise TypeError(piece)
        if name == "input" and not (block and block.type in ("tool_use", "server_tool_use")):
            self._has_stray_arguments = True
        elif block and name:
            block.pieces.setdefault(name, []).append(text)

    def note_text(self, index: Any) -> None:
        """Note that a block has a text."""
        if block := self._open.get(index):
            block.has_text = True

    def finish(self, index: Any) -> None:
        """Take the end of a block."""
        if block := self._open.pop(index, None):
            block.is_open = False

    def calls(self) -> ToolCallAccumulator:
        """Return the calls."""
        calls = ToolCallAccumulator()
        for index, block in enumerate(filter(lambda block: block.is_call, self._blocks)):
            function = {"name": block.start.get("name"), "arguments": block.arguments}
            calls.feed([{"index": index, "id": block.start.get("id"), "function": function}])
        return calls

    def states(self) -> Iterator[ProviderState]:
        """Yield the reasoning that goes back with the next request, in its order."""
        has_text, calls = False, 0
        for block in self._blocks:
            if state := block.state():
                position = has_text + calls
                item = {**state, PLACE: position} if position else state
                yield ProviderState(API, json.dumps(item))
            has_text = has_text or block.has_text  # texts become one
            calls += block.is_call
