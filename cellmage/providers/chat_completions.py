"""Bytes of an answer to events; no I/O.

Source: OpenAI's chat completions, as a stream of chunks or as one completion, and what the servers
that are compatible with it make of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jiter

from ..errors import IncompleteResponseError, ProtocolError, ProviderError
from ..events import Complete, Event, Notice, Reasoning, Status, Token
from ..messages import Usage
from ..sse import EventStreamDecoder
from .foreign_errors import provider_message
from .tool_calls import CallCollector

_REASONING = ("reasoning_content", "reasoning")


class AnswerDecoder:
    """Feed it the body of an answer, cut anywhere; it gives the events that the bytes complete.

    A body that begins with ``{`` or ``[`` is read as one whole completion (some servers do not
    stream), anything else as an event stream: the content type is not asked, since proxies lose it.

    Args:
        has_tools: whether the model was offered any; else what it asks for is told, and dropped.

    Raises:
        ProviderError: the provider reports an error inside its answer.
        ProtocolError: the body is not an answer.
        IncompleteResponseError: from `close`, when the answer has no end.

    Example:
        >>> decoder = AnswerDecoder()
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
        """Nothing more is to come: reading on would only wait."""
        self._usage: Usage | None = None
        self._stream = EventStreamDecoder()
        self._is_whole: bool | None = None
        self._is_answer = False
        self._has_tools = has_tools
        self._calls = CallCollector()
        self._kept: list[bytes] = []
        self._head = b""
        self._half = ""

    def cut(self) -> IncompleteResponseError | None:
        """The error for a connection that breaks now, where it is a special one."""
        if not self._calls:
            return None
        said = "the request for a tool was cut; nothing was run"
        return IncompleteResponseError(said, kind="truncated_no_finish")

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that these bytes complete; run it to its end before the next call.

        An iterator, so that what stands before an error in the same bytes is given first.
        """
        if not self._is_answer:
            self._head = (self._head + data)[:200]
        if self._is_whole is None:
            data = b"".join([*self._kept, data])
            begin = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            self._is_whole = begin in (b"{", b"[") if begin else None
            self._kept.clear()
        if self._is_whole is not False:
            self._kept.append(data)
            return
        for item in self._stream.feed(data):
            if not self.done:
                yield from self._item(item)

    def close(self) -> Iterator[Event]:
        """The last events, when the body has ended or `done` is set."""
        if self._is_whole:
            yield from self._read(_json(b"".join(self._kept)))
        elif not self.done:
            for item in self._stream.close():
                yield from self._item(item)
        if self._half:
            yield Token("\ufffd")
        if not self._is_answer:
            raise self._no_answer()
        if not (self.finish_reason or self.done):
            raise self.cut() or IncompleteResponseError(
                "the answer ended without a finish reason", kind="truncated_no_finish"
            )
        yield from self._asked()
        yield Complete(self.finish_reason, self._usage)

    def _asked(self) -> Iterator[Event]:
        """The tools that the model asks for: given when the answer is whole, and not before."""
        calls = self._calls.calls()
        if calls and not self._has_tools:
            names = ", ".join(call.name for call in calls)
            yield Notice("tool_call", f"The model asked for a tool that it was not given: {names}.")
        else:
            yield from calls

    def _no_answer(self) -> ProtocolError:
        begin = " ".join(self._head.decode("utf-8", "replace").split())[:60]
        what = f"it begins with {begin!r}" if begin else "it is empty"
        error = ProtocolError(
            f"what came back is no answer of a model: {what}; does the base URL end in /v1?",
            kind="empty_response",
        )
        if not begin:
            error.retries, error.short = 1, "an empty answer came back"
        return error

    def _item(self, data: str) -> Iterator[Event]:
        if data.strip() == "[DONE]":
            self.done = True
        elif data.strip():
            yield from self._read(_json(data.encode("utf-8", "replace")))

    def _read(self, body: Any) -> Iterator[Event]:
        if isinstance(body, list) and body:
            body = body[0]  # Gemini wraps an error in a list
        if not isinstance(body, dict):
            return
        if body.get("error") or ("choices" not in body and _ERROR_KEYS & body.keys()):
            said = provider_message(body) or provider_message(body.get("detail"))
            raise ProviderError(f"the provider reports an error: {said or 'without a word'}")
        try:
            yield from self._chunk(body)
        except (AttributeError, TypeError):
            begin = str(body)[:80]
        else:
            return
        raise ProtocolError(f"the provider sent a chunk that cannot be read: {begin}")

    def _chunk(self, body: dict[str, Any]) -> Iterator[Event]:
        if usage := body.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                usage.get("prompt_tokens"),
                usage.get("completion_tokens"),
                details.get("cached_tokens"),
            )
        for choice in body.get("choices") or ():
            self._is_answer = True
            if choice.get("index"):
                continue
            yield from self._texts(choice.get("delta") or choice.get("message") or {})
            self.finish_reason = self.finish_reason or choice.get("finish_reason")

    def _texts(self, part: dict[str, Any]) -> Iterator[Event]:
        for name in _REASONING:
            if thought := part.get(name):
                yield Reasoning(_string(thought))
                break
        legacy = part.get("function_call")
        if pieces := part.get("tool_calls") or ([{"function": legacy}] if legacy else None):
            self._calls.feed(pieces)
            yield Status(f"Preparing {self._calls.name}…")  # a long one is no silence
        content = part.get("content")
        for text in content if isinstance(content, list) else [content]:
            # Mistral sends a list of parts; a part that is not text has no "text".
            if text := text.get("text") if isinstance(text, dict) else text:
                yield from self._token(_string(text))

    def _token(self, text: str) -> Iterator[Event]:
        """A piece of text; a character that was cut into two surrogates is put together again."""
        if self._half or not (text.isascii() or _SURROGATE.search(text) is None):
            text, self._half = self._half + text, ""
            if "\ud800" <= text[-1] <= "\udbff":
                text, self._half = text[:-1], text[-1]
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if text:
            yield Token(text)


def model_names(data: bytes) -> list[str]:
    """The names in a list of models, in order.

    Raises:
        ProtocolError: it is none.

    Example:
        >>> model_names(b'{"data": [{"id": "b"}, {"id": "a"}]}')
        ['a', 'b']
    """
    body = _json(data)
    found = body.get("data") if isinstance(body, dict) else body
    if not isinstance(found, list):
        raise ProtocolError("what came back is no list of models; does the base URL end in /v1?")
    return sorted(str(each["id"]) for each in found if isinstance(each, dict) and "id" in each)


_ERROR_KEYS = {"message", "detail"}  # vLLM, FastAPI
_SURROGATE = re.compile("[\ud800-\udfff]")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _json(data: bytes) -> Any:
    try:
        return jiter.from_json(data)
    except ValueError:
        pass
    try:
        # Half of an escaped character, from servers that cut by UTF-16: jiter refuses it.
        return json.loads(data)
    except (ValueError, RecursionError):
        begin = data[:40].decode("utf-8", "replace")
    raise ProtocolError(f"the provider sent something that is not JSON: {begin!r}")
