"""Decode the body of a chat completion to events; no I/O.

Source: OpenAI's API reference, "Chat completions", as a stream of chunks or as one completion, and
the variants of the servers that are compatible with it. A body passes these steps::

    feed, close      bytes of the body, cut anywhere
    _on_data         the data of one event of the stream (`cellmage.sse`)
    _on_json         one parsed value: a chunk, an error, or an object of another protocol
    chunks           usage, sources, choices; of a choice the reasoning, the tool calls, the text
    answer_text      the text without halves of characters, and without its reasoning
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

import jiter

from ..errors import CellmageError, IncompleteResponseError, ProtocolError
from ..events import Complete, Event
from ..sse import BOM, EventStreamDecoder
from .chunks import ChunkDecoder
from .error_bodies import is_error_body
from .error_translation import stream_error
from .other_protocols import other_protocol_error

_END_MARKS = {"[done]", "done", ""}
"""The data that end a stream, in lower case; data without a character mean nothing."""

_FIELD_NAMES = re.compile(r"^(?:data: ?)+")
"""The name of a field that proxies write a second time before the data."""


_HEARTBEAT = re.compile(r"\W*(?:ping|pong|heart-?beat|keep-?alive)\W*")
"""The type, or else the data, of an event that only keeps the connection open."""

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
    anything else as an event stream: proxies change the content type.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.
        content_type: that of the reply. It makes a difference for one error only: a body without
            an answer is an empty stream, or no stream at all.

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

    def __init__(self, has_tools: bool = False, content_type: str = "text/event-stream") -> None:
        self._content_type = content_type
        self.done = False
        self._chunks = ChunkDecoder(has_tools)
        self._stream = EventStreamDecoder()
        self._is_json_body: bool | None = None  # None until the first byte that is not blank
        self._buffer: list[bytes] = []  # the body, until it is known to be an event stream
        self._preview = b""

    @property
    def finish_reason(self) -> str | None:
        """The finish reason, once it has arrived."""
        return self._chunks.finish_reason

    @property
    def has_data(self) -> bool:
        """True once a byte of the body has arrived."""
        return bool(self._preview)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that these bytes complete; exhaust the iterator before the next call.

        It is an iterator, so that the events before an error in the same bytes are yielded first.

        Args:
            data: the next bytes of the body, of any length.
        """
        if not self._chunks.has_choices:
            self._preview = (self._preview + data)[:_PREVIEW_BYTES]
        if self._is_json_body is None:
            data = b"".join([*self._buffer, data])
            first = data.removeprefix(BOM).lstrip()[:1]
            self._is_json_body = first in (b"{", b"[") if first else None
            self._buffer.clear()
        if self._is_json_body is not False:
            self._buffer.append(data)
            return
        try:
            for event_data in self._stream.feed(data):
                if not self.done:
                    yield from self._on_data(event_data)
        except CellmageError as error:
            failure = error
        else:
            return
        yield from self._chunks.flush()
        raise failure

    def close(self, failure: Exception | None = None) -> Iterator[Event]:
        """Yield the last events, when the body has ended or `done` is set.

        Args:
            failure: what broke the connection, if the body has not ended by itself; it is raised
                unless the answer is complete without what is missing.
        """
        reported: Exception | None = None
        try:
            yield from self._on_end(is_cut=failure is not None)
        except CellmageError as error:
            reported = error
        yield from self._chunks.flush()
        if reported := reported or self._incompleteness(failure):
            raise reported
        yield from self._chunks.end()
        yield Complete(self.finish_reason, self._chunks.usage)

    def _on_end(self, is_cut: bool) -> Iterator[Event]:
        """Yield the events of what has arrived and is not decoded yet.

        Args:
            is_cut: True if the connection broke.
        """
        if self._is_json_body:
            values = _parse_body(b"".join(self._buffer), is_cut)
            for value in values:
                yield from self._on_json(value)
            self.done = len(values) == 1  # one completion is whole, also without a finish reason
        elif not self.done:
            for event_data in self._stream.close():
                yield from self._on_data(event_data, may_be_cut=True)

    def _incompleteness(self, failure: Exception | None) -> Exception | None:
        """Return the error of an answer that has no end; None if it is complete."""
        if self._chunks.has_choices and (self.finish_reason or self.done):
            return None
        if self._chunks.tool_calls:
            message = "the request for a tool was cut; nothing was run"
        elif failure is not None:
            return failure
        elif not self._chunks.has_choices:
            return self._not_an_answer()
        else:
            message = "the answer ended without a finish reason"
        return IncompleteResponseError(message, kind="truncated_no_finish")

    # These two return iterators, and are none: fewer layers for each event.

    def _on_data(self, data: str, may_be_cut: bool = False) -> Iterable[Event]:
        data = data.removeprefix("\ufeff").strip()
        if not data.startswith("{"):
            data = _FIELD_NAMES.sub("", data)
            word = data.strip('"').lower()
            if word in _END_MARKS:
                self.done = bool(data) or self.done
            if word in _END_MARKS or _HEARTBEAT.fullmatch(self._stream.event_type or word):
                return ()
        try:
            value = _parse_json(data.encode("utf-8", "replace"))
        except ProtocolError:
            if self._stream.event_type == "error":
                value = data
            elif may_be_cut or (self.finish_reason and not data.startswith("{")):
                return ()
            else:
                raise
        return self._on_json(value, has_addresses="http" in data)

    def _on_json(self, value: Any, has_addresses: bool = True) -> Iterable[Event]:
        if isinstance(value, list):  # Gemini wraps an error in a list
            objects = [item for item in value if isinstance(item, dict)]
            return chain.from_iterable(map(self._on_json, objects))
        if is_error_body(value, self._stream.event_type):
            raise stream_error(value, is_stream=not self._is_json_body)
        if not isinstance(value, dict):
            return ()
        if "choices" not in value and (other := other_protocol_error(value)):
            raise other
        return self._on_chunk(value, has_addresses)

    def _on_chunk(self, chunk: dict[str, Any], has_addresses: bool) -> Iterator[Event]:
        try:
            yield from self._chunks.feed(chunk, has_addresses)
        except (AttributeError, TypeError, RecursionError):
            text = str(chunk)[:_CHUNK_CHARS]  # a field has another type than any server sends
        else:
            return
        # Outside the handler: the server may repeat the key, and the context would show it.
        raise ProtocolError(f"the provider sent a chunk that cannot be read: {text}")

    def _not_an_answer(self) -> ProtocolError:
        preview = " ".join(self._preview.decode("utf-8", "replace").split())[:_PREVIEW_CHARS]
        detail = f"it begins with {preview!r}" if preview else "it is empty"
        is_stream = "event-stream" in self._content_type or '"choices"' in preview
        error = ProtocolError(
            f"what came back is no answer of a model: {detail}; does the base URL end in /v1?",
            kind="empty_response" if is_stream or not preview else "not_a_stream",
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


def _parse_body(data: bytes, is_cut: bool) -> list[Any]:
    """Return the JSON value of a body; or its values, if each is a line.

    Args:
        data: the body.
        is_cut: True if the connection broke: the last value may be cut.

    Raises:
        ProtocolError: it is not JSON.
    """
    values: list[Any] = []
    try:
        return [_parse_json(data)]
    except ProtocolError:
        for line in filter(None, map(bytes.strip, data.splitlines())):
            with suppress(ProtocolError):
                values.append(_parse_json(line))
                continue
            break
        if not values and not is_cut:
            raise
    return values


def _parse_json(data: bytes) -> Any:
    data = data.removeprefix(BOM)
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
