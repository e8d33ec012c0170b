"""The APIs of the fault tests: how each writes a fault, and where its requests have what.

A case is written for chat completions. `translate` finds the chunks in its bytes and replaces each
by the events of the other API; all else is the fault, and stays: line ends, cuts, waits, HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jiter

from cellmage.testing import Step, answer, chunk
from tests.contract.writers import (
    Item,
    MessagesWriter,
    ResponsesWriter,
    Untranslatable,
    Writer,
)

_DATA = re.compile(r"(data: ?)?(?=[{\[])")
_SECOND_LINE = "\ndata: "


def _responses_error(error: Any) -> Item:
    fields = error if isinstance(error, dict) else {"message": error}
    return {"type": "error", "param": None, "code": fields.get("type"), **fields}


def _messages_error(error: Any) -> Item:
    fields = error if isinstance(error, dict) else {"message": error}
    return {"type": "error", "error": {"type": "api_error", **fields}}


@dataclass(frozen=True)
class API:
    """An API of the tests.

    Attributes:
        path: the path of its requests.
        writer: makes what writes its events; None is chat completions, in which cases are written.
        error: returns the event of an error, and `error_body` the body of one.
        end_mark: the data that end a stream.
        messages: returns the messages of a request as chat completions has them.
    """

    path: str
    writer: type[Writer] | None
    messages: Callable[[Mapping[str, Any]], list[Item]]
    error: Callable[[Any], Item] = lambda error: {"error": error}
    error_body: Callable[[Any], Item] = lambda error: {"error": error}
    end_mark: str = "[DONE]"

    def answer(self, text: str) -> list[Step]:
        """Return the steps of a complete answer."""
        wire = [step.decode() for step in answer(text) if isinstance(step, bytes)]
        return [step.encode() for step in self.translate(wire)]

    def translate(self, wire: Iterable[Any]) -> list[Any]:
        """Return the steps of a case in this API.

        Raises:
            Untranslatable: the fault makes no sense in it.
        """
        return list(_Translator(self).steps(wire)) if self.writer else list(wire)


@dataclass
class _Translator:
    api: API
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        assert self.api.writer
        self.writer = self.api.writer()

    def steps(self, wire: Iterable[Any]) -> Iterator[Any]:
        for step in wire:
            yield from self._step(step)

    def _step(self, step: Any) -> Iterator[Any]:
        match step:
            case str():
                yield self._text(step)
            case {"hex": digits}:
                data = bytes.fromhex(digits).decode("utf-8", "surrogateescape")
                yield {"hex": self._text(data).encode("utf-8", "surrogateescape").hex()}
            case {"one_byte_writes": text}:
                yield {"one_byte_writes": self._text(text)}
            case {"repeat": text, "every_s": seconds, "for_s": total}:
                yield self._text(text)  # which begins the part
                yield {"sleep_s": seconds}
                yield {**step, "repeat": self._text(text), "for_s": total - seconds}
            case {"gzip": wire}:
                yield {"gzip": list(self.steps(wire))}
            case {"big_content_mib": size}:
                yield self._text(chunk("x" * (size << 20)).decode())
            case {"tiny_chunks": count}:
                yield self._text(chunk("x").decode())
                text = self._text(chunk("x").decode())
                self.writer.blocks[-1]["text"] += "x" * (count - 2)
                yield {"repeat": text, "count": count - 1}
            case _:
                yield step

    def _text(self, text: str) -> str:
        """Return a text with every JSON value in it translated."""
        pieces, position = [], 0
        while match := _DATA.search(text, position):
            pieces.append(text[position : match.start()])
            value, position = self._value(text, match.end())
            is_text = isinstance(value, str)
            field_name, line_end = match[1] or "", text[position : position + 1] or "\n"
            pieces.append(
                field_name + value if is_text else self._write(value, field_name, line_end)
            )
        text = "".join([*pieces, text[position:]])
        return re.sub(r"\[DONE\]", lambda _: self.api.end_mark, text)

    def _value(self, text: str, start: int) -> tuple[Any, int]:
        """Return a JSON value and its end; what is no JSON, as text in its new form."""
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            return self._broken(text[start:]), len(text)
        if isinstance(value, dict):
            return value, end
        return text[start:end], end

    def _broken(self, text: str) -> str:
        """Return a value that is cut, or in two lines, in the same state; all else as it is."""
        lines, end = text.replace(_SECOND_LINE, "\n"), len(text.rstrip("\r\n"))
        if lines != text:
            event = self._events(json.JSONDecoder().raw_decode(lines)[0], is_stream=True)[-1]
            return json.dumps(event).replace(", ", f",{_SECOND_LINE}", 1) + text[end:]
        if '"choices"' not in text:
            return text
        value = jiter.from_json(text.encode(), partial_mode="trailing-strings")
        value["choices"][0].pop("finish_reason", None)
        return json.dumps(self._events(value, is_stream=True)[-1])[:-6]

    def _write(self, value: Item, field_name: str, line_end: str) -> str:
        """Return the events of a value; those of a stream have the line of their type."""
        texts = []
        for event in self._events(value, is_stream=bool(field_name)):
            is_typed = field_name and "type" in event
            head = f"event: {event['type']}{line_end}" if is_typed else ""
            texts.append(f"{head}{field_name}{json.dumps(event, ensure_ascii=False)}")
        return (line_end * 2).join(texts)

    def _events(self, value: Item, is_stream: bool) -> list[Item]:
        choices = value.get("choices")
        if choices is None and "error" in value:
            return [(self.api.error if is_stream else self.api.error_body)(value["error"])]
        if value == {} or not (is_stream or "choices" in value):
            return [value]  # a gateway's own body
        is_single = isinstance(choices, list) and len(choices) == 1 and "error" not in value
        if not is_single or choices[0].get("index") != 0:
            raise Untranslatable
        choice = choices[0]
        if "message" in choice:
            list(self.writer.events({"delta": choice["message"]}))
            return [self.writer.whole(choice["finish_reason"])]
        delta = choice.get("delta")
        if not (isinstance(delta, dict) and delta.keys() <= {"role", *self.writer.kinds}):
            raise Untranslatable
        return list(self.writer.events(choice))


# The messages of a request, as chat completions has them.


def _responses_messages(body: Mapping[str, Any]) -> list[Item]:
    messages: list[Item] = []
    for item in body["input"]:
        if item.get("type") == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "function": function}
            if not (messages and messages[-1]["role"] == "assistant"):
                messages.append({"role": "assistant", "content": ""})
            messages[-1].setdefault("tool_calls", []).append(call)
        elif item.get("type") == "function_call_output":
            content = item["output"]
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})
        elif "role" in item:
            messages.append(dict(item))
    return messages


def _messages_messages(body: Mapping[str, Any]) -> list[Item]:
    messages: list[Item] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = [
            {"id": b["id"], "function": {"name": b["name"], "arguments": json.dumps(b["input"])}}
            for b in blocks
            if b["type"] == "tool_use"
        ]
        messages += [
            {"role": "tool", "tool_call_id": b["tool_use_id"], "content": b.get("content") or "-"}
            for b in blocks
            if b["type"] == "tool_result"
        ]
        if text or calls:
            fields = {"tool_calls": calls} if calls else {}
            messages.append({"role": message["role"], "content": text, **fields})
    return messages


APIS = {
    "chat": API("/v1/chat/completions", None, lambda body: list(body["messages"])),
    "responses": API("/v1/responses", ResponsesWriter, _responses_messages, error=_responses_error),
    "messages": API(
        "/v1/messages",
        MessagesWriter,
        _messages_messages,
        error=_messages_error,
        error_body=_messages_error,
        end_mark='{"type": "message_stop"}',
    ),
}
