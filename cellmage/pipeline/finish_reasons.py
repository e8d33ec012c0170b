"""Interpret the end of an answer: complete, complete with a notice, incomplete, or failed.

Providers state in their own words why a model stopped; one table reads them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import NamedTuple

from ..errors import ProviderError
from ..events import Complete, Event, Notice, Token, ToolCall
from ..messages import Request
from .base import Ask

# The finish reasons of each meaning, in lower case; "" is a natural end. The words are those of
# OpenAI, Azure, Anthropic, Gemini, Mistral, DeepSeek, Ollama, llama.cpp, TGI and vLLM.
_REASONS: Mapping[str, str] = {
    "": "stop eos eos_token end_turn stop_sequence complete done "
    "tool_calls tool_call tool_use function_call stop_phrase",
    "length": "length max_tokens max_output_tokens model_length",
    "content_filter": "content_filter content_filtered safety recitation blocklist language "
    "prohibited_content spii image_safety guardrail_intervened",
    "refusal": "refusal",
    "provider_error": "insufficient_system_resource malformed_function_call error",
}
_MEANINGS = {word: kind for kind, words in _REASONS.items() for word in words.split()}


class _Message(NamedTuple):
    """A sentence for the user, and the option that it names."""

    text: str
    option: str = ""


# The messages of each meaning: under an answer with text, and for one without.
_MESSAGES: Mapping[str, tuple[_Message, _Message]] = {
    "length": (
        _Message(
            "The answer was cut at the output limit. `continue_answer` continues it.",
            "continue_answer",
        ),
        _Message(
            "the output limit was reached before the first token; `max_tokens` allows more",
            "max_tokens",
        ),
    ),
    "content_filter": (
        _Message("The provider's filter stopped the answer."),
        _Message("the provider's filter blocked the answer"),
    ),
    "refusal": (
        _Message("The model declined to answer."),
        _Message("the model declined to answer"),
    ),
    "provider_error": (
        _Message("The provider broke off the answer."),
        _Message("the provider gave up before the first token"),
    ),
}

_INCOMPLETE = {"length", "content_filter", "provider_error"}


def classify_finish_reason(finish_reason: str | None) -> str:
    """Return the meaning of a finish reason.

    Returns:
        ``""`` for a natural end, a key of the table of meanings, or ``"unknown"``.

    Example:
        >>> reasons = ("stop", "MAX_TOKENS", "SAFETY", "tired")
        >>> [classify_finish_reason(reason) for reason in reasons]
        ['', 'length', 'content_filter', 'unknown']
    """
    word = (finish_reason or "stop").lower().removeprefix("finish_reason_")
    return _MEANINGS.get(word, "unknown")


def incomplete_reason(finish_reason: str | None) -> str | None:
    """Return what cut an answer that ended with this finish reason; None if nothing did."""
    kind = classify_finish_reason(finish_reason)
    return kind if kind in _INCOMPLETE else None


async def check_finish(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events, and a notice before an unusual end; fail if there was no content.

    Raises:
        ProviderError: the answer was stopped before its first token, or inside a tool call.
    """
    has_text = has_call = False
    async with aclosing(ask(request)) as events:
        async for event in events:
            has_text = has_text or isinstance(event, Token)
            has_call = has_call or isinstance(event, ToolCall)
            if not isinstance(event, Complete):
                pass
            elif has_call:
                _refuse_cut_calls(event)
            elif notice := _notice(event, has_text):
                yield notice
            yield event


def _refuse_cut_calls(end: Complete) -> None:
    """Refuse tool calls of an answer that was cut, though they may look complete."""
    if kind := incomplete_reason(end.finish_reason):
        message = f"the answer ended ({end.finish_reason}) in a request for a tool; nothing was run"
        raise ProviderError(message, kind=kind)


def _notice(end: Complete, has_text: bool) -> Notice | None:
    kind = classify_finish_reason(end.finish_reason)
    if kind in _MESSAGES:
        with_text, without_text = _MESSAGES[kind]
        if not has_text:
            raise ProviderError(without_text.text, kind=kind, option=without_text.option or None)
        return Notice(kind, with_text.text, option=with_text.option)
    reason = end.finish_reason or "not given"
    if not has_text:
        return Notice("empty_response", f"The model sent no text (finish reason: {reason}).")
    unknown = f"The model stopped for a reason that is not known here ({reason})."
    return Notice(kind, unknown) if kind else None
