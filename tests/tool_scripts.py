"""Scripts of a model that calls tools, and helpers to read what came of the calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cellmage import Conversation, ResponseStream
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call


def play_calls(server: ScriptedServer, *calls: tuple[str, str], text: str = "") -> None:
    """Let the model call these tools (name and arguments) after a text, then answer "Done."."""
    pieces = [tool_call(name, arguments, index) for index, (name, arguments) in enumerate(calls)]
    texts = [chunk(text)] if text else []
    server.play_each(
        [Reply([*texts, *pieces, finish("tool_calls"), DONE]), Reply(answer("Done.", 2))] * 9
    )


def thread_name() -> str:
    """Return the name of the thread that runs this tool."""
    return threading.current_thread().name


def read(chat: Conversation, *tools: Callable[..., Any], **arguments: Any) -> ResponseStream:
    """Ask, and read the answer to its end; every tool call is approved unless told otherwise."""
    stream = chat.stream("Go", tools=tools, **({"approve": "always"} | arguments))
    list(stream)
    return stream


async def drain(stream: ResponseStream) -> None:
    """Read an answer to its end on the running loop."""
    async for _ in stream:
        pass


def results(stream: ResponseStream) -> list[str]:
    """Return the results of all tool calls of an answer."""
    return [call.result for step in stream.response.steps for call in step.calls]
