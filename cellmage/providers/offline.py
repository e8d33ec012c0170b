"""The built-in models, which need no network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from importlib.resources import files

from ..content import describe_content
from ..events import Complete, Event, Notice, Start, Token, ToolCall
from ..messages import Request, Usage

DEFAULT_NOTICE = (
    "No model is configured, so the built-in offline model answered. Set OPENAI_API_KEY, or "
    "OPENAI_BASE_URL for a local server, before Jupyter starts; or choose a model by `model`, "
    "such as ollama/qwen3:8b."
)
"""The notice under an answer for which the user chose no model; it names an option."""

_SECONDS_PER_WORD = 0.015
"""The pace of the words, so that the user sees the answer arrive."""

_MAX_ANSWER_SECONDS = 5.0
"""A longer answer is sent at a higher pace."""


class OfflineProvider:
    """Answers from a template, always the same for the same request.

    ``offline/tour`` shows what cellmage can display, and ``offline/echo`` repeats the question.
    ``offline/tools`` calls the tools that the question names with their arguments, such as
    ``weather {"city": "Oslo"}``, and repeats their results.

    Args:
        is_default: True if the user chose no model; the answer then carries `DEFAULT_NOTICE`.
        seconds_per_word: the pace of a streamed answer.

    Example:
        >>> from cellmage import Conversation, Options
        >>> Conversation(Options(model="offline/echo")).ask("Hello").text
        'Hello'
    """

    name = "offline"

    def __init__(
        self, is_default: bool = False, seconds_per_word: float = _SECONDS_PER_WORD
    ) -> None:
        self._is_default = is_default
        self._seconds_per_word = seconds_per_word

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the answer word by word."""
        model = request.options.model or ""
        yield Start(model, self.name)
        if self._is_default:
            yield Notice("offline_default", DEFAULT_NOTICE, once=True, option="model")
        if calls := _tool_calls(request):
            for call in calls:
                yield call
            yield Complete("tool_calls")
            return
        text = MODELS[model.partition("/")[2]](request)
        words = re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)
        pause = min(self._seconds_per_word, _MAX_ANSWER_SECONDS / max(1, len(words)))
        if request.options.stream is False:
            pause = 0
        for word in words:
            yield Token(word)
            await asyncio.sleep(pause)
        words_sent = sum(len(message.text.split()) for message in request.messages)
        yield Complete("stop", Usage(words_sent, len(text.split())))


def _tool_calls(request: Request) -> list[ToolCall]:
    """Return the tools that the question names, each with the JSON object after its name."""
    question = request.messages[-1]
    if question.role != "user" or not request.tools:
        return []
    names = "|".join(re.escape(schema["name"]) for schema in request.tools)
    pairs = re.findall(rf"\b({names})\s*(\{{[^{{}}]*\}})", question.text)
    return [ToolCall(f"call{n}", name, arguments) for n, (name, arguments) in enumerate(pairs)]


def _tour(request: Request) -> str:
    template = (files(__package__) / "tour.md").read_text("utf-8")
    prompt = "\n".join(f"> {line}" for line in request.messages[-1].text.splitlines())
    count = len(request.messages)
    messages = "1 message" if count == 1 else f"{count} messages"
    return template.replace("MESSAGES", messages, 1).replace("PROMPT", prompt, 1)


def _echo(request: Request) -> str:
    return describe_content(request.messages[-1].content)


def _tool_results(request: Request) -> str:
    """Return the results of the tools that ran for the question; without any, the question."""
    messages = request.messages
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    question = max(index for index, message in enumerate(messages) if message.role == "user")
    results = [
        f"`{names[message.tool_call_id]}` says: {message.text}"
        for message in messages[question:]
        if message.role == "tool"
    ]
    return "\n\n".join(results) or _echo(request)


MODELS: Mapping[str, Callable[[Request], str]] = {
    "tour": _tour,
    "echo": _echo,
    "tools": _tool_results,
}
"""The text of each offline model for a request."""
