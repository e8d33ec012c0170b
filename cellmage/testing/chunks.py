"""Chat-completions streams as bytes: the vocabulary of a scripted answer.

A step of a script is `bytes` (one write to the socket) or a number (a wait in seconds).
"""

from __future__ import annotations

import json
from typing import Any

Step = bytes | float
"""One step of a script: bytes are written at once, a number is a wait in seconds."""


def sse(data: Any) -> bytes:
    r"""Return one server-sent event.

    Args:
        data: a string is sent as it is, any other value as JSON.

    Example:
        >>> sse({"a": 1})
        b'data: {"a": 1}\n\n'
    """
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


DONE = sse("[DONE]")
"""The event that ends a stream."""


def chunk(text: str | None = None, *, finish_reason: str | None = None, **delta: Any) -> bytes:
    """Return one chunk of a streamed answer.

    Args:
        text: the `content` of the delta; None for a delta without it.
        finish_reason: the reason why the model stopped, in the last chunk.
        delta: other fields of the delta, such as ``reasoning_content="Hm."`` or ``tool_calls=[…]``.

    Example:
        >>> b'"delta": {"content": "Hello"}, "finish_reason": null' in chunk("Hello")
        True
    """
    content = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": content | delta, "finish_reason": finish_reason}
    return sse(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "m",
            "choices": [choice],
        }
    )


def tool_call(name: str, arguments: str, index: int = 0) -> bytes:
    """Return a model's request for a tool, complete in one chunk.

    Args:
        name: the name of the tool.
        arguments: the arguments as a JSON object.
        index: the position among the calls of this answer, from 0; the id of the call is ``call``
            and this number.
    """
    function = {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{"index": index, "id": f"call{index}", "function": function}])


def finish(reason: str = "stop") -> bytes:
    """Return the chunk that holds the finish reason, without text."""
    return chunk(finish_reason=reason)


def usage(input_tokens: int, output_tokens: int) -> bytes:
    """Return the chunk that holds the numbers of tokens, which follows the finish reason."""
    counts = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
    return sse({"id": "c1", "choices": [], "usage": counts})


def answer(text: str, chunk_chars: int | None = None) -> list[Step]:
    """Return the steps of a complete answer: its chunks, the finish reason and `DONE`.

    Args:
        text: the answer.
        chunk_chars: characters in a chunk; without it the text is one chunk.

    Example:
        >>> answer("Hello", 3) == [chunk("Hel"), chunk("lo"), finish("stop"), DONE]
        True
    """
    size = chunk_chars or max(1, len(text))
    texts = [text[start : start + size] for start in range(0, len(text), size)]
    return [*map(chunk, texts), finish(), DONE]
