"""Models that need no network: the embedded default, and a scripted one for tests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from importlib.resources import files

from ..events import Complete, Event, Notice, Start, Token, ToolCall
from ..messages import Request, Usage

UNASKED = (
    "No model is configured, so this answer came from the built-in offline one. "
    "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server, before Jupyter starts; "
    "or name a model: `%llm_config --model ollama/llama3.2`."
)

_PACE = 0.015
_LONGEST = 5.0
"""Seconds between two words, so that the answer is seen to arrive; and in all, at most."""


class OfflineProvider:
    """Answers from a template, always the same for the same request.

    ``offline/tour`` shows what can be shown, ``offline/echo`` gives the question back, and
    ``offline/tools`` tells what the tools say that the question names with their arguments, such as
    ``weather {"city": "Oslo"}``.

    Args:
        unasked: nobody named this model; the answer then carries a notice that says so.
        pace: seconds between two words when the answer is streamed.

    Example:
        >>> from cellmage import Conversation, Options
        >>> Conversation(Options(model="offline/echo")).ask("Hello").text
        'Hello'
    """

    name = "offline"

    def __init__(self, unasked: bool = False, pace: float = _PACE) -> None:
        self._unasked = unasked
        self._pace = pace

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The words of the answer, one by one."""
        model = request.options.model or ""
        yield Start(model, self.name)
        if self._unasked:
            yield Notice("offline_default", UNASKED, once=True)
        if request.tools and (calls := _calls(request)):
            for call in calls:
                yield call
            yield Complete("tool_calls")
            return
        text = MODELS[model.partition("/")[2]](request)
        words = re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)
        pace = min(self._pace, _LONGEST / max(1, len(words)))
        if request.options.stream is False:
            pace = 0
        for word in words:
            yield Token(word)
            await asyncio.sleep(pace)
        asked = sum(len(message.content.split()) for message in request.messages)
        yield Complete("stop", Usage(asked, len(text.split())))


def _tour(request: Request) -> str:
    template = (files(__package__) / "tour.md").read_text("utf-8")
    prompt = "\n".join(f"> {line}" for line in request.messages[-1].content.splitlines())
    count = len(request.messages)
    sent = "1 message" if count == 1 else f"{count} messages"
    return template.replace("MESSAGES", sent, 1).replace("PROMPT", prompt, 1)


def _echo(request: Request) -> str:
    return request.messages[-1].content


def _calls(request: Request) -> list[ToolCall]:
    """The tools that a question names, with the JSON object behind each name as arguments."""
    names = "|".join(each["name"] for each in request.tools)
    last = request.messages[-1]
    found = re.findall(rf"\b({names})\s*(\{{[^{{}}]*\}})", last.content)
    if last.role != "user":
        return []
    return [ToolCall(f"call{n}", name, arguments) for n, (name, arguments) in enumerate(found)]


def _told(request: Request) -> str:
    """What the tools gave for the question; without any, the question."""
    names = {call.id: call.name for each in request.messages for call in each.tool_calls}
    asked = max(at for at, each in enumerate(request.messages) if each.role == "user")
    results = [
        f"`{names[each.tool_call_id]}` says: {each.content}"
        for each in request.messages[asked:]
        if each.role == "tool"
    ]
    return "\n\n".join(results) or _echo(request)


MODELS: Mapping[str, Callable[[Request], str]] = {"tour": _tour, "echo": _echo, "tools": _told}
