"""The chunks of an answer, in the shapes in which servers send them."""

from __future__ import annotations

import pytest

from cellmage.events import Complete, Document, Event, Notice, Reasoning, Status, Token
from cellmage.messages import Usage
from cellmage.testing import DONE, chunk, finish, sse, usage
from tests.providers.test_chat_completions import HEL, HELLO, LO, choice, decode

DECLINED = Notice("refusal", "The model declined to answer.")
NAMELESS = Notice("tool_call", "The model called a tool without its name; nothing was run.")
SOURCE = Document("example.org", "", "https://example.org/a")

SHAPES: dict[str, tuple[list[bytes], list[Event]]] = {
    "the only choice has index 1": (
        [choice(index=1, delta={"content": text}) for text in ("Hel", "lo")]
        + [choice(index=1, delta={}, finish_reason="stop"), DONE],
        HELLO,
    ),
    "the index is missing now and then": (
        [
            choice(index=1, delta={"content": "Hel"}),
            sse({"choices": [{"delta": {"content": "lo"}}]}),
            choice(index=1, finish_reason="stop"),
        ],
        HELLO,
    ),
    "the index changes after the role": (
        [
            chunk(role="assistant", content=""),
            choice(index=1, delta={"content": "Hel"}),
            choice(index=1, delta={"content": "lo"}),
            choice(index=1, finish_reason="stop"),
        ],
        HELLO,
    ),
    "a role, and then messages in place of deltas": (
        [
            choice(delta={"role": "assistant"}),
            choice(message={"content": "Hel"}),
            choice(delta={"role": "assistant"}, message={"content": "lo"}),
            finish(),
        ],
        HELLO,
    ),
    "text beside a role": (
        [choice(delta={"role": "assistant"}, text="Hel"), choice(text="lo", finish_reason="stop")],
        HELLO,
    ),
    "text beside the same delta": (
        [choice(delta={"content": "Hel"}, text="Hel"), LO, finish()],
        HELLO,
    ),
    "an end tag after reasoning in its field": (
        [chunk(reasoning_content="hm"), chunk("</think>"), chunk("\n\nHel"), LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "the whole message at the end": (
        [HEL, LO, choice(delta={}, message={"content": "Hello"}, finish_reason="stop"), DONE],
        HELLO,
    ),
    "the whole message beside the last delta": (
        [HEL, choice(delta={"content": "lo"}, message={"content": "Hello"}), finish(), DONE],
        HELLO,
    ),
    "the whole message has more": (
        [HEL, choice(message={"content": "Hello"}, finish_reason="stop"), DONE],
        HELLO,
    ),
    "the whole message without its reasoning": (
        [chunk("<think>hm</think>"), HEL, LO, choice(message={"content": "Hello"}), finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "the whole message with its reasoning": (
        [
            chunk(reasoning_content="hm"),
            HEL,
            LO,
            choice(message={"content": "Hello", "reasoning_content": "hm"}),
            finish(),
        ],
        [Reasoning("hm"), *HELLO],
    ),
    "messages in place of deltas": (
        [choice(message={"content": "Hel"}), choice(message={"content": "lo"}), finish()],
        HELLO,
    ),
    "the last delta is the whole answer": (
        [HEL, LO, chunk("Hello", finish_reason="stop"), DONE],
        HELLO,
    ),
    "a delta is a delta": (
        [HEL, LO, chunk("Hello"), finish(), DONE],
        [*HELLO[:2], Token("Hello"), Complete("stop")],
    ),
    "the last delta is the one before it": (
        [HEL, chunk("Hel", finish_reason="stop"), DONE],
        [Token("Hel"), Token("Hel"), Complete("stop")],
    ),
    "text of legacy completions": (
        [choice(text="Hel"), choice(text="lo", finish_reason="stop"), DONE],
        HELLO,
    ),
    "a finish reason of another type": (
        [HEL, chunk("lo", finish_reason=1)],  # type: ignore[arg-type]
        [*HELLO[:2], Complete("1")],
    ),
    "refusal": (
        [chunk(refusal="Hel"), chunk(content=None, refusal="lo"), chunk(refusal=None), finish()],
        [*HELLO[:2], DECLINED, Complete("stop")],
    ),
    "refusal as a part": (
        [chunk("Hel"), chunk(content=[{"type": "refusal", "refusal": "lo"}]), finish()],
        [*HELLO[:2], DECLINED, Complete("stop")],
    ),
    "refusal as the content, too": (
        [chunk("Hel"), chunk("lo", refusal="lo"), finish("refusal")],
        [*HELLO[:2], Complete("refusal")],
    ),
    "refusal of another type": ([chunk("Hel", refusal=True), LO, finish()], HELLO),
    "thinking as parts": (
        [
            chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
            chunk(content=[{"type": "text", "text": "\nHel"}, "lo", None, {"type": "image_url"}]),
            finish(),
        ],
        [Reasoning("hm"), *HELLO],
    ),
    "content is one part": ([chunk(content={"type": "text", "text": "Hel"}), LO, finish()], HELLO),
    "reasoning_details": (
        [
            chunk("", reasoning_details=[{"type": "reasoning.text", "text": "h"}]),
            chunk("", reasoning_details=[{"type": "reasoning.summary", "summary": "m"}]),
            chunk("", reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}]),
            HEL,
            LO,
            finish(),
        ],
        [Reasoning("h"), Reasoning("m"), *HELLO],
    ),
    "reasoning as a field and as details": (
        [
            chunk(reasoning="h", reasoning_details=[{"type": "reasoning.text", "text": "h"}]),
            chunk(reasoning="m", reasoning_details=[{"type": "reasoning.text", "text": "m"}]),
            HEL,
            LO,
            finish(),
        ],
        [Reasoning("h"), Reasoning("m"), *HELLO],
    ),
    "reasoning as a field and as tags": (
        [chunk(reasoning_content="hm"), chunk("<think>\nhm\n</think>\n\nHel"), LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "two reasonings": (
        [chunk(reasoning="hm"), chunk(reasoning_content="so"), HEL, LO, finish()],
        [Reasoning("hm"), Reasoning("so"), *HELLO],
    ),
    "reasoning as an object": (
        [chunk(reasoning_content={"text": "hm"}), HEL, LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "reasoning that cannot be read": (
        [chunk(reasoning={"a": 1}, thinking=True, reasoning_text=[[5]]), HEL, LO, finish()],
        HELLO,
    ),
    "blank lines after reasoning": (
        [chunk(reasoning="hm"), chunk("\n"), chunk("\nHel"), LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "sources beside the choices": (
        [
            sse({"choices": [{"delta": {"content": "Hel"}}], "citations": [SOURCE.source]}),
            sse({"choices": [{"delta": {"content": "lo"}}], "citations": [SOURCE.source]}),
            finish(),
        ],
        [SOURCE, *HELLO],
    ),
    "sources after the choices": (
        [HEL, LO, finish(), sse({"choices": [], "citations": [SOURCE.source]}), DONE],
        [*HELLO[:2], SOURCE, HELLO[2]],
    ),
    "sources in a delta": (
        [chunk("Hel", annotations=[{"url_citation": {"url": SOURCE.source}}]), LO, finish()],
        [SOURCE, *HELLO],
    ),
    "usage in the choice": (
        [HEL, LO, choice(finish_reason="stop", usage={"prompt_tokens": 3, "completion_tokens": 1})],
        [*HELLO[:2], Complete("stop", Usage(3, 1))],
    ),
    "usage, and then a chunk without counts": (
        [HEL, LO, finish(), usage(3, 1), sse({"choices": [], "usage": {"queue_time": 0.1}}), DONE],
        [*HELLO[:2], Complete("stop", Usage(3, 1))],
    ),
    "usage that cannot be read": (
        [HEL, LO, finish(), sse({"choices": [], "usage": "much"}), DONE],
        HELLO,
    ),
    "usage of Groq": (
        [HEL, LO, sse({"x_groq": {"usage": {"prompt_tokens": 3}}, "choices": []}), finish()],
        [*HELLO[:2], Complete("stop", Usage(3))],
    ),
    "timings of llama.cpp": (
        [HEL, LO, finish(), sse({"choices": [], "timings": {"prompt_n": 3, "predicted_n": 1}})],
        [*HELLO[:2], Complete("stop", Usage(3, 1))],
    ),
    "a call without a name": (
        [
            HEL,
            chunk("lo", tool_calls=[{"index": 0, "id": "a", "function": {"arguments": "{}"}}]),
            finish(),
        ],
        [HELLO[0], Status("Preparing …"), HELLO[1], NAMELESS, HELLO[2]],
    ),
    "reasoning beside the delta": (
        [choice(delta={"content": ""}, reasoning_content="hm"), HEL, LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "a part that is a thought": (
        [chunk([{"type": "text", "text": "hm", "thought": True}]), HEL, LO, finish()],
        [Reasoning("hm"), *HELLO],
    ),
    "choices without a list, and none in it": (
        [
            sse({"choices": {"delta": {"content": "Hel"}}}),
            sse({"choices": [None]}),
            sse({"choices": None}),
            sse({"choices": [{"delta": "lo"}]}),
            finish(),
        ],
        HELLO,
    ),
    "content that is a number": (
        [chunk(5), chunk(0), chunk(False), finish()],
        [Token("5"), Token("0"), Complete("stop")],
    ),
    "words for no finish reason": (
        [
            choice(delta={"content": "Hel"}, finish_reason="null"),
            choice(delta={"content": "lo"}, finish_reason="None"),
            choice(finish_reason={"type": "stop"}),
        ],
        HELLO,
    ),
    "the finish reason in camel case": (
        [HEL, LO, sse({"choices": [{"delta": {}, "finishReason": "stop"}]})],
        HELLO,
    ),
    "the same refusal in two fields": (
        [chunk("Hel", refusal="Hel"), LO, finish()],
        [*HELLO[:2], DECLINED, HELLO[2]],
    ),
    "sources in a part": (
        [
            chunk([{"type": "text", "text": "Hel", "annotations": [{"url": SOURCE.source}]}]),
            LO,
            finish(),
        ],
        [SOURCE, *HELLO],
    ),
    "a part that is a source": (
        [HEL, LO, chunk([{"type": "tool_reference", "url": SOURCE.source}]), finish()],
        [*HELLO[:2], SOURCE, HELLO[2]],
    ),
    "usage of Gemini": (
        [HEL, LO, finish(), sse({"choices": [], "usageMetadata": {"promptTokenCount": 3}})],
        [*HELLO[:2], Complete("stop", Usage(3))],
    ),
    "MiniMax, no error": (
        [
            sse({"choices": [{"delta": {"content": text}}], "base_resp": {"status_code": 0}})
            for text in ("Hel", "lo")
        ]
        + [finish()],
        HELLO,
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_in_every_size_of_read(name: str) -> None:
    parts, events = SHAPES[name]
    data = b"".join(parts)
    for size in (len(data), 1, 2, 3, 7, 64):
        assert decode([data[i : i + size] for i in range(0, len(data), size)]) == events
