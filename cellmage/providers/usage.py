"""Counts of tokens in the shapes in which servers send them; no I/O.

Counts are for the user's information: no shape of them makes an answer fail, and a chunk without a
count does not remove one that an earlier chunk had.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import Any

from ..messages import Usage

# The names of each count: OpenAI's; Anthropic's and those of OpenAI's newer API; the AI SDK's;
# Bedrock's; Gemini's; Ollama's and llama.cpp's own.
_INPUT = (
    *("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount"),
    "prompt_eval_count",
)
_OUTPUT = (
    *("completion_tokens", "output_tokens", "completionTokens", "outputTokens"),
    *("candidatesTokenCount", "eval_count"),
)
_CACHED = (
    "cached_tokens",
    "prompt_cache_hit_tokens",  # DeepSeek
    "cache_read_input_tokens",
    "cachedContentTokenCount",
)
_REASONING = ("reasoning_tokens", "thinking_tokens", "reasoningTokens", "thoughtsTokenCount")
_CACHE_WRITE = (
    *("cache_write_tokens", "cache_creation_input_tokens", "cacheWriteInputTokens"),
    "cache_creation_tokens",
)
_INNER = ("usage", "tokens")
"""Fields of a usage that contain the counts, such as Cohere's."""
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")

_MAX_COUNT = 2**53
"""A larger number is not a count of tokens; beyond it, JSON numbers are not exact."""


def merge_usage(usage: Usage | None, value: Any) -> Usage | None:
    """Return what is known of the counts after another value ``usage`` of any shape.

    Args:
        usage: the counts so far.
        value: parsed JSON.

    Example:
        >>> first = merge_usage(None, {"prompt_tokens": "3", "completion_tokens": 1.0})
        >>> merge_usage(first, [{"completion_tokens": 2}, {"queue_time": 0.1}])
        Usage(input_tokens=3, output_tokens=2)
    """
    for counts in _with_inner(value):
        new = Usage(
            _count(counts, _INPUT),
            _count(counts, _OUTPUT),
            _count_detail(counts, _CACHED, _INPUT_DETAILS),
            _count_detail(counts, _REASONING, _OUTPUT_DETAILS),
            _count_detail(counts, _CACHE_WRITE, _INPUT_DETAILS),
        )
        usage = _merge(usage, new)
    return usage


def usage_of_timings(timings: Any) -> Usage | None:
    """Return the counts in llama.cpp's ``timings``, which may come without a usage.

    Example:
        >>> usage_of_timings({"prompt_n": 2, "cache_n": 5, "predicted_n": 9})
        Usage(input_tokens=7, output_tokens=9, cached_tokens=5)
    """
    usage = None
    for counts in _mappings(timings):
        evaluated, cached = _count(counts, ("prompt_n",)), _count(counts, ("cache_n",))
        tokens_in = None if evaluated is None else evaluated + (cached or 0)
        usage = _merge(usage, Usage(tokens_in, _count(counts, ("predicted_n",)), cached))
    return usage


def _with_inner(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may contain counts."""
    for counts in _mappings(value):
        yield counts
        for name in _INNER:
            yield from _mappings(counts.get(name))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield an object, or the objects in a list."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            yield item


def _count(counts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """Return the first of these counts that is a number."""
    for name in names:
        if (count := _number(counts.get(name))) is not None:
            return count
    return None


def _count_detail(
    counts: Mapping[str, Any], names: tuple[str, ...], details: tuple[str, ...]
) -> int | None:
    """Return the first of these counts that is a number, also in the objects of details."""
    count = _count(counts, names)
    for detail in (detail for name in details for detail in _mappings(counts.get(name))):
        count = count or _count(detail, names)
    return count


def _number(value: Any) -> int | None:
    """Return a count that may be a string or a float; None for any other value."""
    try:
        value = value.replace(",", "") if isinstance(value, str) else value
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if 0 <= number < _MAX_COUNT else None


def _merge(usage: Usage | None, new: Usage) -> Usage | None:
    """Return the new counts, and the old one where a new one is missing or 0."""
    pairs = zip(astuple(new), astuple(usage or Usage()), strict=True)
    merged = Usage(*(count or old if old is not None else count for count, old in pairs))
    return None if merged == Usage() else merged
