"""The answers of the families as bytes, in each API: text, reasoning, calls, state and counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cellmage.testing import DONE, Step, finish, sse
from tests.providers import messages_streams as messages
from tests.providers import responses_streams as responses
from tests.zoo.families import Family

OUTPUT_TOKENS = 5


@dataclass(frozen=True)
class Answer:
    """What a model says.

    Args:
        text: its text.
        calls: the names of the tools that it calls, each with the id of the call.
        input_tokens: the tokens of the request, as the server counts them.
        is_refusal: True if it declines.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    input_tokens: int = 0
    is_refusal: bool = False


def _delta(**fields: Any) -> bytes:
    return sse({"id": "c1", "choices": [{"index": 0, "delta": fields, "finish_reason": None}]})


def _chat_reasoning(family: Family) -> Iterator[bytes]:
    thought = family.thought
    match family.reasoning:
        case "tags":
            tag = "thought" if family.prefix == "gemini" else "think"
            yield from (_delta(content=piece) for piece in (f"<{tag[:2]}", f"{tag[2:]}>"))
            yield from (_delta(content=piece) for piece in (thought[:2], thought[2:]))
            yield _delta(content=f"</{tag}>\n\n")
        case "reasoning_details":
            yield _delta(reasoning=thought)
            detail = {"type": "reasoning.encrypted", "data": family.sign("detail"), "index": 0}
            yield _delta(reasoning_details=[detail])
        case "":
            return
        case name:
            yield from (_delta(**{name: piece}) for piece in (thought[:2], thought[2:]))


def _chat(family: Family, answer: Answer) -> list[Step]:
    steps = [family.prelude, *_chat_reasoning(family)]
    reason = "tool_calls" if answer.calls else "stop"
    if answer.is_refusal and family.refusal == "delta":
        steps.append(_delta(refusal=answer.text))
    else:
        steps += [_delta(content=answer.text[i : i + 7]) for i in range(0, len(answer.text), 7)]
    if answer.is_refusal and family.refusal == "content_filter":
        reason = "content_filter"
    for index, (name, id) in enumerate(answer.calls):
        call = {"index": index, "id": id, "type": "function",
                "function": {"name": name, "arguments": "{}"}}  # fmt: skip
        if family.state == "thought_signature" and not index:
            call["extra_content"] = {"google": {"thought_signature": family.sign(name)}}
        steps.append(_delta(tool_calls=[call]))
    counts = {"prompt_tokens": answer.input_tokens, "completion_tokens": OUTPUT_TOKENS}
    name = "x_groq" if family.prefix == "groq" else ""
    usage = {"x_groq": {"usage": counts}} if name else {"usage": counts}
    return [*steps, finish(reason), sse({"id": "c1", "choices": [], **usage}), DONE]


def _responses(family: Family, answer: Answer) -> list[Step]:
    id = f"rs_{len(answer.calls)}"
    items = [responses.reasoning(family.thought, id=id, encrypted_content=family.sign(id))]
    if answer.text:
        make = responses.refusal if answer.is_refusal else responses.message
        items.append(make(answer.text))
    items += [responses.call(name, {}, id) for name, id in answer.calls]
    counts = {"input_tokens": answer.input_tokens, "output_tokens": OUTPUT_TOKENS}
    return [responses.stream_of(responses.response(*items, usage=counts))]


def _messages(family: Family, answer: Answer) -> list[Step]:
    thought = messages.thinking(family.thought, family.sign(family.thought))
    blocks = [thought] if family.reasoning else []
    if answer.text:
        blocks.append(messages.text(answer.text))
    blocks += [messages.call(name, {}, id) for name, id in answer.calls]
    reason = "refusal" if answer.is_refusal else None
    final = messages.message(*blocks, stop_reason=reason)
    counts = {"input_tokens": answer.input_tokens, "output_tokens": 1}
    events = messages.events_of({**final, "usage": {**counts, "output_tokens": OUTPUT_TOKENS}})
    events[0]["message"]["usage"] = counts
    return [messages.encode(events)]


def _ollama(family: Family, answer: Answer) -> list[Step]:
    parts: list[dict[str, Any]] = [{"content": "", "thinking": family.thought}]
    parts += [{"content": answer.text[i : i + 7]} for i in range(0, len(answer.text), 7)]
    for name, _ in answer.calls:
        function = {"name": name, "arguments": {}}
        parts.append({"content": "", "tool_calls": [{"function": function}]})
    lines = [{"message": {"role": "assistant", **part}, "done": False} for part in parts]
    end = {"done": True, "done_reason": "stop", "eval_count": OUTPUT_TOKENS}
    message = {"role": "assistant", "content": ""}
    lines.append({"message": message, **end, "prompt_eval_count": answer.input_tokens})
    return [(json.dumps(line) + "\n").encode() for line in lines]


ENCODERS: Mapping[str, Callable[[Family, Answer], list[Step]]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "ollama": _ollama,
}
"""What makes the bytes of an answer, by the API."""
