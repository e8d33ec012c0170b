"""Decode the objects of one answer of Ollama's chat API, which are parsed JSON, to events; no I/O.

Source: Ollama's documentation, "Generate a chat message". Each object has a piece of the message;
the last one, which is ``done``, has the counts of tokens. A call is whole in one object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...events import Event, ProviderState, Status
from ...messages import Usage
from ..answer_text import AnswerText
from ..tool_calls import ToolCallAccumulator
from ..usage import merge_usage

API = "ollama"

Fields = Mapping[str, Any]


class OllamaAnswer:
    """Decodes the objects of one answer in their order.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.

    Attributes:
        finish_reason: the finish reason, once it has arrived.
        usage: the counts of tokens so far.
        has_begun: True once an object has arrived.

    Raises:
        AttributeError, TypeError: a field has another type than any server sends.

    Example:
        >>> answer = OllamaAnswer()
        >>> list(answer.feed({"message": {"content": "Hi"}, "done": False}))
        [Token(text='Hi')]
        >>> list(answer.feed({"message": {"content": ""}, "done": True, "done_reason": "stop"}))
        []
        >>> answer.finish_reason
        'stop'
    """

    def __init__(self, has_tools: bool = False) -> None:
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.has_begun = False
        self._has_tools = has_tools
        self._text = AnswerText()
        self._calls = ToolCallAccumulator()
        self._thoughts: list[str] = []
        self._call_count = 0

    @property
    def has_tool_calls(self) -> bool:
        """True once a tool call has arrived."""
        return bool(self._calls)

    def feed(self, value: Fields, has_addresses: bool = True) -> Iterator[Event]:
        """Yield the events of the next object; the API names no sources.

        Args:
            value: parsed JSON.
            has_addresses: as in the other APIs.
        """
        self.has_begun = True
        message = value.get("message") or {}
        if thinking := "" + (message.get("thinking") or ""):  # raises, if it is no text
            self._thoughts.append(thinking)
            yield from self._text.feed_reasoning("thinking", thinking)
        if content := "" + (message.get("content") or ""):
            yield from self._text.feed(content)
        for call in message.get("tool_calls") or ():
            yield self._on_call(call)
        if value.get("done"):
            self.usage = merge_usage(self.usage, value)
            # Servers before 2024 give no reason.
            self.finish_reason = str(value.get("done_reason") or "stop")

    def flush(self) -> Iterator[Event]:
        """Yield the text and the reasoning that were held back, when nothing follows."""
        return self._text.flush()

    def end(self) -> Iterator[Event]:
        """Yield the state and the tool calls of a complete answer."""
        if self._has_tools and self._calls and self._thoughts:
            yield ProviderState(API, json.dumps({"thinking": "".join(self._thoughts)}))
        yield from self._calls.events(self._has_tools)

    def _on_call(self, call: Fields) -> Status:
        # The index of the server begins anew in each object.
        piece = {
            "id": call.get("id"),
            "function": call.get("function") or {},
            "index": self._call_count,
        }
        self._call_count += 1
        self._calls.feed([piece])
        return Status(f"Preparing {self._calls.current_name}…")
