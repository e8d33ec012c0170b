"""The output items of a response: its text, its reasoning, its calls, and what goes back; no I/O.

Source: OpenAI's API reference, "Responses". An item arrives in the stream twice: with its own event
when it is complete, and in the response at the end. That of the response counts, since the
ciphertext of the reasoning may differ. Some servers leave the items out of it; then the events do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jiter

from ...errors import ProtocolError
from ...messages import ProviderState
from ..reasoning import text_of
from ..state_items import PLACE
from ..tool_calls import ToolCallAccumulator

API = "responses"

Item = Mapping[str, Any]


class OutputItems:
    """Collects the items of one response.

    Example:
        >>> items = OutputItems()
        >>> call = {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"}
        >>> items.begin(0, call); items.finish(0, call)
        >>> items.calls().calls()
        [ToolCall(id='a', name='add', arguments='{}')]
    """

    def __init__(self) -> None:
        self._open_calls: set[Any] = set()
        self._finished: dict[Any, Item] = {}
        self._final: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._final or self._finished.values())

    @property
    def has_calls(self) -> bool:
        """True once a part of a call has arrived."""
        return bool(self._open_calls) or any(map(_is_call, self))

    @property
    def has_cut_call(self) -> bool:
        """True if a call is not complete."""
        is_open = bool(self._open_calls) and not self._final
        return is_open or any(
            _is_call(item) and item.get("status") == "incomplete" for item in self
        )

    def begin(self, index: Any, item: Item) -> None:
        """Take an item that will arrive in pieces."""
        if _is_call(item):
            self._open_calls.add(index)

    def finish(self, index: Any, item: Item) -> None:
        """Take a complete item.

        Raises:
            AttributeError, TypeError: a field has another type than any server sends.
        """
        self._finished[index] = _check(item)
        self._open_calls.discard(index)

    def replace(self, final: list[Item]) -> None:
        """Take the items of the response at the end, in place of those before.

        Raises:
            AttributeError, TypeError: a field has another type than any server sends.
            ProtocolError: a call in it is not the one that arrived before.
        """
        self._final = [
            _reconcile(self._finished.get(index, item), _check(item))
            for index, item in enumerate(final)
        ]

    def calls(self) -> ToolCallAccumulator:
        """Return the calls."""
        return _accumulate(self)

    def states(self) -> Iterator[ProviderState]:
        """Yield what goes back with the next request: encrypted reasoning, the kind of the text.

        Reasoning that no text and no call follows is refused there.
        """
        items = [item for item in self if _is_part(item) or _is_encrypted(item)]
        while items and not _is_part(items[-1]):
            items.pop()
        precedents: list[str] = []
        for item in items:
            if not _is_part(item):
                position = {PLACE: len(precedents)} if precedents else {}
                yield ProviderState(API, json.dumps({**item, **position}))
            elif _is_call(item) or "message" not in precedents:  # texts become one
                precedents.append(item["type"])
        phases = [item["phase"] for item in items if item.get("phase")]
        if phases:
            yield ProviderState(API, json.dumps({"type": "message", "phase": phases[-1]}))


def message_parts(item: Item) -> list[Item]:
    """Return the parts of the content of a message; none of another item."""
    content = item.get("content") if item.get("type") == "message" else None
    return [part for part in content or () if part]


def reasoning_text(item: Item) -> tuple[str, str]:
    """Return the kind and the text of the reasoning of an item; it is summed up, or complete.

    Example:
        >>> reasoning_text({"type": "reasoning", "summary": [{"text": "One."}, {"text": "Two."}]})
        ('summary', 'One.\\n\\nTwo.')
    """
    for kind in ("summary", "content"):
        parts = item.get(kind) if item.get("type") == "reasoning" else None
        if text := "\n\n".join(filter(None, map(text_of, parts or ()))):
            return kind, text
    return "", ""


def _check(item: Item) -> Item:
    """Return an item; raise now what reading it would raise at the end of the answer."""
    _is_part(item)
    _accumulate([item])
    return item


def _accumulate(items: Iterable[Item]) -> ToolCallAccumulator:
    calls = ToolCallAccumulator()
    for index, item in enumerate(items):
        if _is_call(item):
            calls.feed({"index": index, "id": item.get("call_id"), "function": item})
    return calls


def _is_call(item: Item) -> bool:
    return item.get("type") == "function_call"


def _is_part(item: Item) -> bool:
    """Return whether an item is a part of the message that goes back."""
    return _is_call(item) or any(
        part.get("text") or part.get("refusal") for part in message_parts(item)
    )


def _is_encrypted(item: Item) -> bool:
    return item.get("type") == "reasoning" and bool(item.get("encrypted_content"))


def _reconcile(item: Item, final: Item) -> Item:
    """Return the final version of an item.

    Raises:
        ProtocolError: it is another call than the one that arrived before.
    """
    if _is_encrypted(item) and final.get("type") == "reasoning" and not _is_encrypted(final):
        return item
    if _is_call(item) and _is_call(final) and not _is_same_request(item, final):
        raise ProtocolError("the provider sent a request for a tool twice, and not the same")
    return final


def _is_same_request(call: Item, other: Item) -> bool:
    """Return whether two calls ask for the same; blanks in their arguments make no difference."""
    texts = [item.get("arguments") or "{}" for item in (call, other)]
    if call.get("name") != other.get("name"):
        return False
    return texts[0] == texts[1] or _parse(texts[0]) == _parse(texts[1])


def _parse(arguments: Any) -> Any:
    try:
        return jiter.from_json(arguments.encode()) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments
