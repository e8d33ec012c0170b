"""How a server writes an answer in the APIs other than chat completions: events of each piece.

A piece is one chunk of a chat completion. What an API has no form for is `Untranslatable`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

Item = dict[str, Any]


class Untranslatable(Exception):
    """An API has no form for a piece: the fault makes no sense there."""


class Writer:
    """Writes the pieces of one answer, in their order, as the events of an API.

    Attributes:
        blocks: the parts of the answer that have begun: texts, reasoning, calls.
    """

    kinds: ClassVar[Mapping[str, str]]
    """The types of the parts, by the field of a delta that has them."""

    reasons: ClassVar[Mapping[str, Any]]
    """The API's word for each finish reason."""

    def __init__(self) -> None:
        self.blocks: list[Item] = []
        self._is_open = self._has_begun = self._is_finished = False

    def events(self, choice: Mapping[str, Any]) -> Iterator[Item]:
        """Yield the events of one choice of a chunk; its unknown fields are added to the first."""
        delta = choice["delta"]
        texts = [name for name in self.kinds if name != "tool_calls" and name in delta]
        if self._is_finished or not all(isinstance(delta[name], str) for name in texts):
            raise Untranslatable
        if not self._has_begun:
            self._has_begun = True
            yield from self.begin()
        others = {name: value for name, value in choice.items() if name not in _CHOICE}
        for name in texts:
            if delta[name] or not delta.get("role"):
                yield from self._enter(name)
                self.blocks[-1]["text"] += delta[name]
                yield {**others, **self.delta(name, delta[name])}
        for call in delta.get("tool_calls", ()):
            yield from self._call(call)
        if reason := choice.get("finish_reason"):
            yield from self.finish(reason)

    def _call(self, call: Mapping[str, Any]) -> Iterator[Item]:
        function = call.get("function", {})
        ids = [block["id"] for block in self.blocks if block["kind"] == "tool_calls"]
        is_whole = isinstance(function.get("arguments"), str) and function.get("name")
        if not is_whole or call.get("index") != len(ids) or not call.get("id"):
            raise Untranslatable
        yield from self._enter("tool_calls", id=call["id"], name=function["name"])
        self.blocks[-1]["text"] = function["arguments"]
        yield self.delta("tool_calls", function["arguments"])

    def _enter(self, kind: str, **fields: Any) -> Iterator[Item]:
        """Yield the events of the end of the last part and the beginning of the next, if any."""
        if self._is_open and not fields and self.blocks[-1]["kind"] == kind:
            return
        yield from self.leave()
        self.blocks.append({"kind": kind, "text": "", **fields})
        self._is_open = True
        yield from self.enter(self.blocks[-1])

    def leave(self, status: str = "completed") -> Iterator[Item]:
        """Yield the events of the end of the open part."""
        if self._is_open:
            self._is_open = False
            yield from self.end_block(self.blocks[-1], status)

    def finish(self, reason: str) -> Iterator[Item]:
        """Yield the events of a finish reason."""
        if reason not in self.reasons:
            raise Untranslatable
        yield from self.end(self.reasons[reason])
        self._is_finished = True

    @property
    def index(self) -> int:
        """The index of the last part."""
        return len(self.blocks) - 1

    def begin(self) -> Iterator[Item]:
        """Yield the events of the beginning."""
        raise NotImplementedError

    def enter(self, block: Item) -> Iterator[Item]:
        """Yield the events of the beginning of a part."""
        raise NotImplementedError

    def delta(self, kind: str, text: str) -> Item:
        """Return the event of a piece of the last part."""
        raise NotImplementedError

    def end_block(self, block: Item, status: str) -> Iterator[Item]:
        """Yield the events of the end of a part."""
        raise NotImplementedError

    def end(self, reason: Any) -> Iterator[Item]:
        """Yield the events of the end, for a word of `reasons`."""
        raise NotImplementedError

    def whole(self, reason: str) -> Item:
        """Return the answer as one body."""
        raise NotImplementedError


_CHOICE = ("index", "delta", "message", "finish_reason")


class ResponsesWriter(Writer):
    """Writes OpenAI's Responses API."""

    kinds: ClassVar = {
        "reasoning_content": "reasoning_text",
        "content": "output_text",
        "refusal": "refusal",
        "tool_calls": "function_call_arguments",
    }
    reasons: ClassVar = {
        **dict.fromkeys(("stop", "tool_calls"), None),
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }

    def begin(self) -> Iterator[Item]:
        """Yield the response without its items."""
        yield {"type": "response.created", "response": self._response("in_progress", [])}

    def enter(self, block: Item) -> Iterator[Item]:
        """Yield the item without its text."""
        item = self._item({**block, "text": ""}, self.index, "in_progress")
        yield {"type": "response.output_item.added", "output_index": self.index, "item": item}

    def delta(self, kind: str, text: str) -> Item:
        """Return the event of a piece."""
        type_ = f"response.{self.kinds[kind]}.delta"
        place = {"output_index": self.index, "content_index": 0, "item_id": f"item_{self.index}"}
        return {"type": type_, "delta": text, **place}

    def end_block(self, block: Item, status: str) -> Iterator[Item]:
        """Yield the whole item."""
        item = self._item(block, self.index, status)
        yield {"type": "response.output_item.done", "output_index": self.index, "item": item}

    def end(self, reason: str | None) -> Iterator[Item]:
        """Yield the whole response."""
        status = "incomplete" if reason else "completed"
        yield from self.leave(status)
        yield {"type": f"response.{status}", "response": self._whole(reason)}

    def whole(self, reason: str) -> Item:
        """Return the response."""
        return self._whole(self.reasons[reason])

    def _whole(self, reason: str | None) -> Item:
        status = "incomplete" if reason else "completed"
        items = [self._item(block, index, status) for index, block in enumerate(self.blocks)]
        details = {"incomplete_details": {"reason": reason} if reason else None}
        return {**self._response(status, items), **details}

    def _response(self, status: str, output: list[Item]) -> Item:
        head = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": "m"}
        return {**head, "status": status, "output": output, "error": None}

    def _item(self, block: Item, index: int, status: str) -> Item:
        head = {"id": f"item_{index}", "status": status}
        kind, text = block["kind"], block["text"]
        if kind == "tool_calls":
            call = {"call_id": block["id"], "name": block["name"], "arguments": text}
            return {**head, "type": "function_call", **call}
        if kind == "reasoning_content":
            content = [{"type": "reasoning_text", "text": text}]
            return {**head, "type": "reasoning", "summary": [], "content": content}
        field = "refusal" if kind == "refusal" else "text"
        part = {"type": self.kinds[kind], field: text}
        return {**head, "type": "message", "role": "assistant", "content": [part]}


class MessagesWriter(Writer):
    """Writes Anthropic's Messages API."""

    kinds: ClassVar = {"reasoning_content": "thinking", "content": "text", "tool_calls": "tool_use"}
    reasons: ClassVar = {
        "stop": "end_turn",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        **{word: word for word in ("end_turn", "stop_sequence", "max_tokens")},
    }
    _deltas: ClassVar[Mapping[str, tuple[str, str]]] = {
        "reasoning_content": ("thinking_delta", "thinking"),
        "content": ("text_delta", "text"),
        "tool_calls": ("input_json_delta", "partial_json"),
    }

    def begin(self) -> Iterator[Item]:
        """Yield the message without its blocks."""
        yield {"type": "message_start", "message": self._message([], None)}

    def enter(self, block: Item) -> Iterator[Item]:
        """Yield the block without its text."""
        start = self._block({**block, "text": ""})
        yield {"type": "content_block_start", "index": self.index, "content_block": start}

    def delta(self, kind: str, text: str) -> Item:
        """Return the event of a piece."""
        type_, field = self._deltas[kind]
        delta = {"type": type_, field: text}
        return {"type": "content_block_delta", "index": self.index, "delta": delta}

    def end_block(self, block: Item, status: str) -> Iterator[Item]:
        """Yield the end of the block."""
        yield {"type": "content_block_stop", "index": self.index}

    def end(self, reason: str) -> Iterator[Item]:
        """Yield the stop reason; the end of the stream is the end mark's."""
        yield from self.leave()
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}

    def whole(self, reason: str) -> Item:
        """Return the message."""
        return self._message(list(map(self._block, self.blocks)), self.reasons[reason])

    def _message(self, content: list[Item], reason: str | None) -> Item:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
        usage = {"input_tokens": 1, "output_tokens": 1}
        return {**head, "content": content, "stop_reason": reason, "usage": usage}

    def _block(self, block: Item) -> Item:
        kind, text = block["kind"], block["text"]
        if kind == "tool_calls":
            arguments = json.loads(text or "{}")
            return {
                "type": "tool_use",
                "id": block["id"],
                "name": block["name"],
                "input": arguments,
            }
        field = self.kinds[kind]
        return {"type": field, field: text}
