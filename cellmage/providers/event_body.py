"""Decode the body of one answer to events, in whatever API it is; no I/O.

What all APIs share is here: bytes cut anywhere, a stream or one JSON value, end marks, heartbeats,
errors, and the end. A body passes these steps::

    feed, close      bytes of the body, cut anywhere
    _on_data         the data of one event of the stream (`cellmage.sse`)
    _on_json         one parsed value
    _on_object       an object of the API, an error, or an object of another protocol
    AnswerDecoder    the events of one object of the API
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

from ..errors import CellmageError, IncompleteResponseError, ProtocolError
from ..events import Complete, Event
from ..messages import Usage
from ..sse import BOM, EventStreamDecoder
from .error_bodies import is_error_body
from .error_translation import stream_error
from .json_values import parse_json, parse_json_or_lines

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

_OBJECT_CHARS = 80
"""Characters that an error shows of one object."""


class AnswerDecoder(Protocol):
    """Decodes the objects of one answer in their order.

    Attributes:
        finish_reason: the finish reason, once it has arrived.
        usage: the counts of tokens so far.
        has_begun: True once an object of an answer has arrived.
    """

    finish_reason: str | None
    usage: Usage | None
    has_begun: bool

    @property
    def has_tool_calls(self) -> bool:
        """True once a part of a tool call has arrived."""
        ...

    def feed(self, value: dict[str, Any], has_addresses: bool = True) -> Iterable[Event]:
        """Return the events of the next object.

        Args:
            value: parsed JSON.
            has_addresses: False if no web address is in it, so that none need be looked for.

        Raises:
            AttributeError, TypeError: a field has another type than any server sends.
        """
        ...

    def flush(self) -> Iterable[Event]:
        """Return the events that were held back, when nothing follows."""
        ...

    def end(self) -> Iterable[Event]:
        """Return the tool calls and the notices of a complete answer."""
        ...


class BodyDecoder(ABC):
    """Decodes the body of one answer: `feed` it the bytes, cut anywhere, then `close` it.

    A body that begins with ``{`` or ``[`` is parsed as one value (some servers do not stream),
    anything else as an event stream: proxies change the content type.

    Args:
        answer: decodes the objects of the answer.
        content_type: that of the reply. It makes a difference for one error only: a body without
            an answer is an empty stream, or no stream at all.

    Attributes:
        finish_reason: the finish reason, once it has arrived.
        done: True when nothing follows: to read on would only wait.

    Raises:
        ProviderError: the provider reports an error inside its answer.
        ProtocolError: the body is not an answer.
        IncompleteResponseError: from `close`, when the answer has no end.
    """

    _mark: str
    """A text that only objects of the API contain."""

    def __init__(self, answer: AnswerDecoder, content_type: str) -> None:
        self._answer = answer
        self._content_type = content_type
        self.done = False
        self._stream = EventStreamDecoder()
        self._is_json_body: bool | None = None  # None until the first byte that is not blank
        self._buffer: list[bytes] = []  # the body, until it is known to be an event stream
        self._preview = b""

    @property
    def finish_reason(self) -> str | None:
        """The finish reason, once it has arrived."""
        return self._answer.finish_reason

    @property
    def has_data(self) -> bool:
        """True once a byte of the body has arrived."""
        return bool(self._preview)

    @abstractmethod
    def _is_complete(self) -> bool:
        """Return whether an answer that has begun has an end."""

    @abstractmethod
    def _on_object(self, value: dict[str, Any], has_addresses: bool) -> Iterable[Event]:
        """Return the events of an object; raise the error that it means."""

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that these bytes complete; exhaust the iterator before the next call.

        It is an iterator, so that the events before an error in the same bytes are yielded first.

        Args:
            data: the next bytes of the body, of any length.
        """
        if not self._answer.has_begun:
            self._preview = (self._preview + data)[:_PREVIEW_BYTES]
        if self._is_json_body is None:
            data = b"".join([*self._buffer, data])
            first = data.removeprefix(BOM).lstrip()[:1]
            self._is_json_body = first in (b"{", b"[") if first else None
            self._buffer.clear()
        try:
            yield from self._on_bytes(data)
        except CellmageError as error:
            failure = error
        else:
            return
        yield from self._answer.flush()
        raise failure

    def _on_bytes(self, data: bytes) -> Iterator[Event]:
        """Yield the events of the next bytes, once the body is known; one JSON value waits."""
        if self._is_json_body is not False:
            self._buffer.append(data)
            return
        for event_data in self._stream.feed(data):
            if not self.done:
                yield from self._on_data(event_data)

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
        yield from self._answer.flush()
        if reported := reported or self._incompleteness(failure):
            raise reported
        yield from self._answer.end()
        yield Complete(self.finish_reason, self._answer.usage)

    def _on_end(self, is_cut: bool) -> Iterator[Event]:
        """Yield the events of what has arrived and is not decoded yet.

        Args:
            is_cut: True if the connection broke.
        """
        if self._is_json_body:
            values = parse_json_or_lines(b"".join(self._buffer), is_cut)
            for value in values:
                yield from self._on_json(value)
            self.done = len(values) == 1  # one value is whole, also without a finish reason
        elif not self.done:
            for event_data in self._stream.close():
                yield from self._on_data(event_data, may_be_cut=True)

    def _incompleteness(self, failure: Exception | None) -> Exception | None:
        """Return the error of an answer that has no end; None if it is complete."""
        if self._answer.has_begun and self._is_complete():
            return None
        if self._answer.has_tool_calls:
            message = "the request for a tool was cut; nothing was run"
        elif failure is not None:
            return failure
        elif not self._answer.has_begun:
            return self._not_an_answer()
        else:
            message = "the answer ended without a finish reason"
        return IncompleteResponseError(message, kind="truncated_no_finish")

    # These two return iterators, and are none: fewer layers for each event.

    def _on_data(self, data: str, may_be_cut: bool = False) -> Iterable[Event]:
        if not data.startswith("{"):  # nearly all do
            data = _FIELD_NAMES.sub("", data.removeprefix("\ufeff").strip())
            word = data.strip('"').lower()
            if word in _END_MARKS:
                self.done = bool(data) or self.done
            if word in _END_MARKS or _HEARTBEAT.fullmatch(self._stream.event_type or word):
                return ()
        try:
            value = parse_json(data.encode("utf-8", "replace"))
        except ProtocolError:
            if self._stream.event_type == "error":
                value = data
            elif may_be_cut or (self.finish_reason and not data.startswith("{")):
                return ()
            else:
                raise
        return self._on_json(value, has_addresses="http" in data)

    def _on_json(self, value: Any, has_addresses: bool = True) -> Iterable[Event]:
        if isinstance(value, dict):
            return self._on_object(value, has_addresses)
        if isinstance(value, list):  # Gemini wraps an error in a list
            objects = [item for item in value if isinstance(item, dict)]
            return chain.from_iterable(map(self._on_json, objects))
        self._raise_error(value)
        return ()

    def _raise_error(self, value: Any) -> None:
        """Raise the error that a value reports, if it reports one."""
        if is_error_body(value, self._stream.event_type):
            raise stream_error(value, is_stream=not self._is_json_body)

    def _decode(self, value: dict[str, Any], has_addresses: bool) -> Iterator[Event]:
        """Yield the events of an object of the API."""
        try:
            yield from self._answer.feed(value, has_addresses)
        except (AttributeError, TypeError, RecursionError):
            text = str(value)[:_OBJECT_CHARS]  # a field has another type than any server sends
        else:
            return
        # Outside the handler: the server may repeat the key, and the context would show it.
        raise ProtocolError(f"the provider sent a chunk that cannot be read: {text}")

    def _not_an_answer(self) -> ProtocolError:
        preview = " ".join(self._preview.decode("utf-8", "replace").split())[:_PREVIEW_CHARS]
        detail = f"it begins with {preview!r}" if preview else "it is empty"
        is_stream = "event-stream" in self._content_type or self._mark in preview
        error = ProtocolError(
            f"what came back is no answer of a model: {detail}; does the base URL end in /v1?",
            kind="empty_response" if is_stream or not preview else "not_a_stream",
        )
        if not preview:
            error.retries, error.short = 1, "an empty answer came back"
        return error
