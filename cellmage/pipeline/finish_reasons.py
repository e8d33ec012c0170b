"""Interpret the end of an answer: complete, complete with a notice, incomplete, or failed.

Providers state in their own words why a model stopped; one table reads them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import NamedTuple

from ..errors import Kind, ProviderError
from ..events import Complete, Event, Notice, Reclassification, Token, ToolCall
from ..messages import Request
from .base import Ask


class _Message(NamedTuple):
    """A sentence for the user, the option that it names, and the kind of its error."""

    text: str
    option: str = ""
    kind: Kind | None = None


class _Meaning(NamedTuple):
    """The meaning of some finish reasons: their kind, and what the user reads.

    Attributes:
        kind: the kind of an answer that ended so; None for a natural end.
        with_text: the notice under an answer with text.
        without_text: the error of an answer without text; its kind may differ.
        is_cut: False if the answer counts as complete.
    """

    kind: Kind | None
    with_text: _Message = _Message("")
    without_text: _Message = _Message("")
    is_cut: bool = True


_NATURAL = _Meaning(None, is_cut=False)
_BROKEN_OFF = "The provider broke off the answer"
_GAVE_UP = "the provider gave up before the first token"

# The words are those of OpenAI, Azure, Anthropic, Bedrock, Gemini, Mistral, DeepSeek, Z.AI, Cohere,
# xAI, watsonx, Ollama, llama.cpp, LM Studio, TGI, vLLM and SGLang, as `_normalize` returns them.
_REASONS: Mapping[str, _Meaning] = {
    "stop stopped eos eos_token end end_turn stop_sequence stop_str complete completed done finish "
    "finished load tool_calls tool_call tool_use function_call stop_phrase": _NATURAL,
    "length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_len max_length "
    "model_length token_limit": _Meaning(
        "length",
        _Message(
            "The answer was cut at the output limit. `continue_answer` continues it.",
            "continue_answer",
        ),
        _Message(
            "the output limit was reached before the first token; `max_tokens` allows more",
            "max_tokens",
        ),
    ),
    "model_context_window_exceeded context_window_exceeded context_length_exceeded context_length "
    "context_limit max_context error_limit": _Meaning(
        "length",
        _Message(
            "The answer was cut: with the conversation before it, it fills the model's context "
            "window. `max_context_turns` sends less.",
            "max_context_turns",
        ),
        _Message(
            "the conversation fills the model's context window, and no text fits behind it; "
            "`max_context_turns` sends less",
            "max_context_turns",
            "context_overflow",
        ),
    ),
    "pause_turn pause compaction": _Meaning(
        "length",
        _Message(
            "The provider paused the answer. `continue_answer` continues it.", "continue_answer"
        ),
        _Message("the provider paused before the first token; ask again"),
    ),
    "content_filter content_filtered filtered sensitive safety recitation blocklist language "
    "prohibited_content spii image_safety image_prohibited_content image_recitation model_armor "
    "guardrail_intervened guardrail error_toxic moderation": _Meaning(
        "content_filter",
        _Message("The provider's filter stopped the answer."),
        _Message("the provider's filter blocked the answer"),
    ),
    "refusal refused": _Meaning(
        "refusal",
        _Message("The model declined to answer."),
        _Message("the model declined to answer"),
        is_cut=False,
    ),
    "repetition repetitive repetition_detected": _Meaning(
        "provider_error",
        _Message("The provider stopped the answer, because it repeated itself."),
        _Message("the provider stopped the model, because it repeated itself"),
    ),
    "malformed_function_call malformed_response malformed_tool_use malformed_model_output invalid "
    "unexpected_tool_call missing_thought_signature": _Meaning(
        "provider_error",
        _Message(f"{_BROKEN_OFF}: the model wrote something that it could not read. Ask again."),
        _Message("the model wrote something that the provider could not read; ask again"),
    ),
    "too_many_tool_calls": _Meaning(
        "tool_limit",
        _Message(f"{_BROKEN_OFF}: the model called too many tools."),
        _Message("the provider stopped the model, because it called too many tools"),
    ),
    "network_error connection_error": _Meaning(
        "provider_error",
        _Message(f"{_BROKEN_OFF}: it lost the connection to the model."),
        _Message(f"{_GAVE_UP}: it lost the connection to the model"),
    ),
    "timeout time_limit timed_out": _Meaning(
        "provider_error",
        _Message(f"{_BROKEN_OFF} at its time limit."),
        _Message(f"{_GAVE_UP}, at its time limit"),
    ),
    "abort aborted cancel canceled cancelled user_cancel user_cancelled interrupted": _Meaning(
        "provider_error",
        _Message("The provider cancelled the answer."),
        _Message("the provider cancelled the answer before the first token"),
    ),
    "error failed server_error internal_error insufficient_system_resource overloaded other "
    "unspecified image_other no_image": _Meaning(
        "provider_error", _Message(f"{_BROKEN_OFF}."), _Message(_GAVE_UP)
    ),
}
_MEANINGS = {word: meaning for words, meaning in _REASONS.items() for word in words.split()}

# Parts of words that are not in the table, with the word in the table that means the same.
_PARTS: Mapping[str, str] = {
    r"context": "context_length",
    r"safety|guardrail|moderat|filter|toxic|prohibited|block": "content_filter",
    r"refus": "refusal",
    r"repeti": "repetition",
    r"cancel|abort|preempt|interrupt": "abort",
    r"time_?out": "timeout",
    r"(?:max|output|token|length).*(?:token|output|length|limit)|truncat": "length",
    r"error|fail": "error",
    r"malformed|invalid|unexpected": "malformed_response",
    r"(?:many|max).*(?:tool|function)": "too_many_tool_calls",
    r"tool|function": "tool_calls",
    r"^eo[st]|^end_of|^stop": "stop",
}

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PREFIX = re.compile(r"^(finish_|stop_)?reason_")


def _normalize(finish_reason: str | None) -> str:
    """Return the word in snake case without a prefix such as ``FINISH_REASON_``.

    Gemini and xAI write enumerations, LangChain camel case, the AI SDK hyphens.
    """
    word = _HUMP.sub("_", finish_reason or "stop").lower().replace("-", "_").replace(" ", "_")
    return _PREFIX.sub("", word)


def _meaning_of(finish_reason: str | None) -> _Meaning | None:
    """Return the meaning of a finish reason; None if neither it nor a part of it is known."""
    word = _normalize(finish_reason)
    words = (word, *(same for part, same in _PARTS.items() if re.search(part, word)))
    return next((_MEANINGS[word] for word in words if word in _MEANINGS), None)


def incomplete_reason(finish_reason: str | None) -> Kind | None:
    """Return what cut an answer that ended with this finish reason; None if nothing did.

    Example:
        >>> reasons = ("stop", "MAX_TOKENS", "SAFETY", "tired")
        >>> [incomplete_reason(reason) for reason in reasons]
        [None, 'length', 'content_filter', None]
    """
    meaning = _meaning_of(finish_reason) or _NATURAL
    return meaning.kind if meaning.is_cut else None


def notice_of(finish_reason: str | None) -> Notice | None:
    """Return the notice under a text that ended with this finish reason.

    Example:
        >>> notice_of("content_filter").text
        "The provider's filter stopped the answer."
    """
    return _notice(Complete(finish_reason), has_text=True)


async def check_finish(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events, and a notice before an unusual end; fail if there was no content.

    Raises:
        ProviderError: the answer was stopped before its first token, or inside a tool call.
    """
    has_text = has_call = False
    async with aclosing(ask(request)) as events:
        async for event in events:
            if isinstance(event, Token | Reclassification):
                has_text = isinstance(event, Token)  # all text before the latter was reasoning
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
    reason = end.finish_reason or "not given"
    meaning = _meaning_of(end.finish_reason)
    if meaning is not None and meaning.kind is not None:
        return _report(meaning, has_text)
    if not has_text:
        return Notice("empty_response", f"The model sent no text (finish reason: {reason}).")
    unknown = f"The model stopped for a reason that is not known here ({reason})."
    return None if meaning else Notice("unknown", unknown)


def _report(meaning: _Meaning, has_text: bool) -> Notice:
    """Return the notice under a text; raise an error if there is none."""
    kind, message = meaning.kind, meaning.with_text
    if not has_text:
        error = meaning.without_text
        raise ProviderError(error.text, kind=error.kind or kind, option=error.option or None)
    return Notice(kind or "", message.text, option=message.option)
