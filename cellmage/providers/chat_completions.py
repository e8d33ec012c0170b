"""Decode the body of a chat completion to events; no I/O.

Source: OpenAI's API reference, "Chat completions", as a stream of chunks or as one completion, and
the variants of the servers that are compatible with it. A body passes these steps::

    feed, close      bytes of the body, cut anywhere
    _on_data         the data of one event of the stream (`cellmage.sse`)
    _on_json         one parsed object: a chunk, a complete body, or an error
    _on_chunk        usage, choices, finish reason
    _on_delta        the reasoning, the tool calls and the text of one choice
    _emit_text       a text without halves of characters
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jiter

from ..errors import IncompleteResponseError, ProtocolError
from ..events import Complete, Event, Notice, Reasoning, Status, Token
from ..messages import Usage
from ..sse import BOM, EventStreamDecoder
from ..text import join_surrogates
from .error_bodies import is_error_body
from .error_translation import stream_error
from .tool_calls import ToolCallAccumulator

# DeepSeek and llama.cpp; OpenRouter and Ollama. Some servers send both, with one text.
_REASONING_FIELDS = ("reasoning_content", "reasoning")

_PREVIEW_BYTES = 200
"""Bytes at the beginning of a body that an error may show a part of."""

_PREVIEW_CHARS = 60
"""Characters that an error shows of a body that is not an answer."""

_CHUNK_CHARS = 80
"""Characters that an error shows of one chunk."""

_JSON_BYTES = 40
"""Bytes that an error shows of what is not JSON."""


class ChatCompletionDecoder:
    """Decodes the body of one answer: `feed` it the bytes, cut anywhere, then `close` it.

    A body that begins with ``{`` or ``[`` is parsed as one completion (some servers do not stream),
    anything else as an event stream. The content type is ignored, because proxies change it.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.

    Attributes:
        finish_reason: the finish reason, once it has arrived.
        done: True when nothing follows: to read on would only wait.

    Raises:
        ProviderError: the provider reports an error inside its answer.
        ProtocolError: the body is not an answer.
        IncompleteResponseError: from `close`, when the answer has no end.

    Example:
        >>> decoder = ChatCompletionDecoder()
        >>> list(decoder.feed(b'data: {"choices": [{"delta": {"content": "Hi"}}]}\\n\\n'))
        [Token(text='Hi')]
        >>> list(decoder.feed(b'data: {"choices": [{"finish_reason": "stop"}]}\\n\\n'))
        []
        >>> list(decoder.close())
        [Complete(finish_reason='stop', usage=None)]
    """

    def __init__(self, has_tools: bool = False) -> None:
        self.finish_reason: str | None = None
        self.done = False
        self._usage: Usage | None = None
        self._has_tools = has_tools
        self._tool_calls = ToolCallAccumulator()
        self._stream = EventStreamDecoder()
        self._is_json_body: bool | None = None  # None until the first byte that is not blank
        self._buffer: list[bytes] = []  # the body, until it is known to be an event stream
        self._has_choices = False
        self._preview = b""
        self._high_surrogate = ""

    def truncation_error(self) -> IncompleteResponseError | None:
        """Return the error for a connection that breaks now, if it says more than the usual one."""
        if not self._tool_calls:
            return None
        message = "the request for a tool was cut; nothing was run"
        return IncompleteResponseError(message, kind="truncated_no_finish")

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that these bytes complete; exhaust the iterator before the next call.

        It is an iterator, so that the events before an error in the same bytes are yielded first.

        Args:
            data: the next bytes of the body, of any length.
        """
        if not self._has_choices:
            self._preview = (self._preview + data)[:_PREVIEW_BYTES]
        if self._is_json_body is None:
            data = b"".join([*self._buffer, data])
            first = data.removeprefix(BOM).lstrip()[:1]
            self._is_json_body = first in (b"{", b"[") if first else None
            self._buffer.clear()
        if self._is_json_body is not False:
            self._buffer.append(data)
            return
        for event_data in self._stream.feed(data):
            if not self.done:
                yield from self._on_data(event_data)

    def close(self) -> Iterator[Event]:
        """Yield the last events, when the body has ended or `done` is set."""
        if self._is_json_body:
            yield from self._on_json(_parse_json(b"".join(self._buffer)))
        elif not self.done:
            for event_data in self._stream.close():
                yield from self._on_data(event_data)
        if self._high_surrogate:
            yield Token(join_surrogates(self._high_surrogate))
        if not self._has_choices:
            raise self._not_an_answer()
        if not (self.finish_reason or self.done):
            raise self.truncation_error() or IncompleteResponseError(
                "the answer ended without a finish reason", kind="truncated_no_finish"
            )
        yield from self._emit_tool_calls()
        yield Complete(self.finish_reason, self._usage)

    def _on_data(self, data: str) -> Iterator[Event]:
        if data.strip() == "[DONE]":
            self.done = True
        elif data.strip():
            yield from self._on_json(_parse_json(data.encode("utf-8", "replace")))

    def _on_json(self, body: Any) -> Iterator[Event]:
        if isinstance(body, list) and body:
            body = body[0]  # Gemini wraps an error in a list
        if not isinstance(body, dict):
            return
        if is_error_body(body):
            raise stream_error(body, is_stream=not self._is_json_body)
        try:
            yield from self._on_chunk(body)
        except (AttributeError, TypeError):  # a field of another type than the reference says
            text = str(body)[:_CHUNK_CHARS]
        else:
            return
        # Outside the handler: the server may repeat the key, and the context would show it.
        raise ProtocolError(f"the provider sent a chunk that cannot be read: {text}")

    def _on_chunk(self, chunk: dict[str, Any]) -> Iterator[Event]:
        if usage := chunk.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                usage.get("prompt_tokens"),
                usage.get("completion_tokens"),
                details.get("cached_tokens"),
            )
        for choice in chunk.get("choices") or ():
            self._has_choices = True
            if choice.get("index"):
                continue  # one answer is shown, also where `n` asks for more
            yield from self._on_delta(choice.get("delta") or choice.get("message") or {})
            self.finish_reason = self.finish_reason or choice.get("finish_reason")

    def _on_delta(self, delta: dict[str, Any]) -> Iterator[Event]:
        for field in _REASONING_FIELDS:
            if reasoning := delta.get(field):
                yield Reasoning(_require_str(reasoning))
                break
        deprecated = delta.get("function_call")  # the form before "tool_calls"
        pieces = delta.get("tool_calls") or ([{"function": deprecated}] if deprecated else None)
        if pieces:
            self._tool_calls.feed(pieces)
            # Long arguments take a while; the status tells the user, and ends no wait for a text.
            yield Status(f"Preparing {self._tool_calls.current_name}…")
        content = delta.get("content")
        for part in content if isinstance(content, list) else [content]:
            # Mistral sends a list of parts; a part that is not text has no "text".
            if text := part.get("text") if isinstance(part, dict) else part:
                yield from self._emit_text(_require_str(text))

    def _emit_text(self, text: str) -> Iterator[Event]:
        """Yield the text; a high surrogate at its end waits for the low one in the next text.

        Servers that cut by UTF-16 code units send a character beyond U+FFFF in two halves.
        """
        text, self._high_surrogate = self._high_surrogate + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._high_surrogate = text[:-1], text[-1]
        if text:
            yield Token(join_surrogates(text))

    def _emit_tool_calls(self) -> Iterator[Event]:
        """Yield the tool calls; only a complete answer has calls that may be run."""
        calls = self._tool_calls.calls()
        if calls and not self._has_tools:
            names = ", ".join(call.name for call in calls)
            yield Notice("tool_call", f"The model asked for a tool that it was not given: {names}.")
        else:
            yield from calls

    def _not_an_answer(self) -> ProtocolError:
        preview = " ".join(self._preview.decode("utf-8", "replace").split())[:_PREVIEW_CHARS]
        detail = f"it begins with {preview!r}" if preview else "it is empty"
        error = ProtocolError(
            f"what came back is no answer of a model: {detail}; does the base URL end in /v1?",
            kind="empty_response",
        )
        if not preview:
            error.retries, error.short = 1, "an empty answer came back"
        return error


def model_names(data: bytes) -> list[str]:
    """Return the names in a list of models, sorted.

    Args:
        data: the body of the reply to ``GET /models``.

    Raises:
        ProtocolError: the body is not a list of models.

    Example:
        >>> model_names(b'{"data": [{"id": "b"}, {"id": "a"}]}')
        ['a', 'b']
    """
    body = _parse_json(data)
    models = body.get("data") if isinstance(body, dict) else body
    if not isinstance(models, list):
        raise ProtocolError("what came back is no list of models; does the base URL end in /v1?")
    return sorted(str(model["id"]) for model in models if isinstance(model, dict) and "id" in model)


def _require_str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _parse_json(data: bytes) -> Any:
    try:
        return jiter.from_json(data)
    except ValueError:
        pass
    try:
        # jiter refuses half of an escaped character, which servers send that cut by UTF-16.
        return json.loads(data)
    except (ValueError, RecursionError):
        text = data[:_JSON_BYTES].decode("utf-8", "replace")
    # Outside the handler: a `JSONDecodeError` holds the data, in which a server may repeat the key.
    raise ProtocolError(f"the provider sent something that is not JSON: {text!r}")
