"""What a provider demands back, at its place among the parts of its message; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..messages import ProviderState

PLACE = "after"
"""Our field of a stored item: how many parts of its message, a text and calls, precede it."""

Item = dict[str, Any]


def items_of(states: Iterable[ProviderState], api: str) -> Iterator[Item]:
    """Yield the items of an API; a stored one that cannot be read is left out."""
    for state in states:
        with suppress(ValueError):
            item = json.loads(state.item) if state.api == api else None
            if isinstance(item, dict):
                yield item


def place_items(items: Iterable[Item], parts: Sequence[Item]) -> Iterator[Item]:
    """Yield the parts of a message with the items before them; no item is the last.

    Example:
        >>> thought = {"type": "thinking", "after": 1}
        >>> text, call = {"type": "text"}, {"type": "tool_use"}
        >>> [item["type"] for item in place_items([thought], [text, call])]
        ['text', 'thinking', 'tool_use']
    """
    items = list(items)
    for index, part in enumerate(parts):
        for item in items:
            # What nothing follows is refused: it stands before the last part at least.
            if min(_place(item), len(parts) - 1) == index:
                yield {name: value for name, value in item.items() if name != PLACE}
        yield part


def _place(item: Item) -> int:
    position = item.get(PLACE)
    return max(position, 0) if isinstance(position, int) else 0
