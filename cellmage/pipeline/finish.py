"""What the end of an answer means: complete, complete with a notice, partial, or failed.

Providers say why a model stopped in words of their own; one table reads them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from ..errors import ProviderError
from ..events import Complete, Event, Notice, Token, ToolCall

# What a reason means, and the words for it in lower case; "" is a natural end. The words are those
# of OpenAI, Azure, Anthropic, Gemini, Mistral, DeepSeek, Ollama, llama.cpp, TGI and vLLM.
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

# What the reader is told, by meaning. The first says it under an answer, the second without one.
_SAID: Mapping[str, tuple[str, str]] = {
    "length": (
        "The answer was cut at the output limit. %llm --continue goes on from here.",
        "the output limit was reached before the first word; --max-tokens N allows more",
    ),
    "content_filter": (
        "The provider's filter stopped the answer.",
        "the provider's filter blocked the answer",
    ),
    "refusal": ("The model declined to answer.", "the model declined to answer"),
    "provider_error": (
        "The provider broke off the answer.",
        "the provider gave up before the first word",
    ),
}

_PARTIAL = {"length", "content_filter", "provider_error"}


def meaning(finish_reason: str | None) -> str:
    """What a finish reason means: empty for a natural end, ``"unknown"`` for a word not known.

    Example:
        >>> meaning("stop"), meaning("MAX_TOKENS"), meaning("SAFETY"), meaning("tired")
        ('', 'length', 'content_filter', 'unknown')
    """
    return _MEANINGS.get(
        (finish_reason or "stop").lower().removeprefix("finish_reason_"), "unknown"
    )


def partial(finish_reason: str | None) -> str | None:
    """What cut an answer that ended with this finish reason; None where nothing did."""
    kind = meaning(finish_reason)
    return kind if kind in _PARTIAL else None


async def endings(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """Pass events on; say what an unusual end means, or fail when not a word has come.

    Raises:
        ProviderError: the answer was stopped before its first word, or in a request for a tool.
    """
    has_text = has_call = False
    async with aclosing(events):
        async for event in events:
            has_text = has_text or isinstance(event, Token)
            has_call = has_call or isinstance(event, ToolCall)
            if not isinstance(event, Complete):
                pass
            elif has_call:
                _check_calls(event)
            elif notice := _notice(event, has_text):
                yield notice
            yield event


def _check_calls(end: Complete) -> None:
    """Refuse a request for a tool that was cut, though it may look whole."""
    if kind := partial(end.finish_reason):
        said = f"the answer ended ({end.finish_reason}) in a request for a tool; nothing was run"
        raise ProviderError(said, kind=kind)


def _notice(end: Complete, has_text: bool) -> Notice | None:
    kind = meaning(end.finish_reason)
    if kind in _SAID and not has_text:
        raise ProviderError(_SAID[kind][1], kind=kind)
    if kind in _SAID:
        return Notice(kind, _SAID[kind][0])
    reason = end.finish_reason or "not given"
    if not has_text:
        return Notice("empty_response", f"The model sent no text (finish reason: {reason}).")
    unknown = f"The model stopped for a reason that is not known here ({reason})."
    return Notice(kind, unknown) if kind else None
