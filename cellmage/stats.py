"""Statistics of an answer: its model, speed, size and cost."""

from __future__ import annotations

from .messages import Response, Timings, Usage
from .pricing import cost, format_percent, format_usd, window_of

UNKNOWN = "—"
"""A value that is not known."""


def response_stats(response: Response) -> dict[str, str]:
    """Return the statistics of an answer as text, by name; "—" is a value that is not known.

    Tokens are as the provider counted them, and the cost follows from them.

    Example:
        >>> answer = Response("Hello", model="m", usage=Usage(3, 20), timings=Timings(0.5, 2.5, 2))
        >>> response_stats(answer)  # doctest: +NORMALIZE_WHITESPACE
        {'model': 'm', 'first token': '0.50 s', 'duration': '2.50 s', 'chunks': '2',
         'characters': '5', 'tokens in': '3', 'tokens out': '20', 'reasoning': '—', 'cached': '—',
         'tokens/s': '10', 'window': '—', 'cost': '—'}
    """
    timings = response.timings or Timings(None, 0.0)
    usage, price = response.usage or Usage(), cost(response)
    first = timings.time_to_first_token
    stats = {
        "model": response.model,
        "first token": None if first is None else f"{first:.2f} s",
        "duration": f"{timings.duration:.2f} s",
        "chunks": timings.chunks,
        "characters": len(response.text),
        "tokens in": usage.input_tokens,
        "tokens out": usage.output_tokens,
        "reasoning": usage.reasoning_tokens,
        "cached": usage.cached_tokens,
        "tokens/s": _tokens_per_second(usage, timings),
        "window": _share_of_window(response),
        "cost": None if price is None else format_usd(price),
    }
    return {name: UNKNOWN if value is None else str(value) for name, value in stats.items()}


def stats_line(response: Response) -> str:
    """Return the statistics of an answer as the line below it.

    Example:
        >>> stats_line(Response("Hi", model="m", usage=Usage(3, 20), timings=Timings(0.5, 2.5, 2)))
        ... # doctest: +NORMALIZE_WHITESPACE
        'm · first token after 0.50 s · 2.50 s in total · 2 characters in 2 chunks ·
         3 tokens in, 20 out · 10 tokens/s'
        >>> stats_line(Response("", model="m", timings=Timings(None, 2.5)))
        'm · 2.50 s in total · 0 characters in 0 chunks · tokens: not given'
    """
    stats, usage = response_stats(response), response.usage or Usage()
    counts = [stats["tokens in"], stats["tokens out"]]
    tokens_in, tokens_out = ("?" if count == "—" else count for count in counts)
    is_counted = counts != ["—", "—"]
    speed, price, first = stats["tokens/s"], stats["cost"], stats["first token"]
    window = stats["window"]
    parts = [
        response.model,
        "" if first == "—" else f"first token after {first}",
        f"{stats['duration']} in total",
        f"{stats['characters']} characters in {stats['chunks']} chunks",
        f"{tokens_in} tokens in{_cache_words(usage)}, {tokens_out} out{_reasoning_words(usage)}"
        if is_counted
        else "tokens: not given",
        "" if speed == "—" else f"{speed} tokens/s",
        "" if window == "—" else f"{window} of the context window",
        "" if price == "—" else price,
    ]
    return " · ".join(part for part in parts if part)


def _cache_words(usage: Usage) -> str:
    """Return what the cache had of the request, and what was written to it, in brackets."""
    words = [
        f"{count} {label}"
        for count, label in (
            (usage.cached_tokens, "cached"),
            (usage.cache_write_tokens, "written to the cache"),
        )
        if count
    ]
    return f" ({', '.join(words)})" if words else ""


def _reasoning_words(usage: Usage) -> str:
    return f" ({usage.reasoning_tokens} reasoning)" if usage.reasoning_tokens else ""


def _share_of_window(response: Response) -> str | None:
    """Return the share of the model's context window that the request and the answer fill."""
    usage = response.usage or Usage()
    # With tools, the counts are the sum of several requests.
    if usage.input_tokens is None or response.steps:
        return None
    window = window_of(response.model, response.provider)
    if window is None:
        return None
    return format_percent((usage.input_tokens + (usage.output_tokens or 0)) / window)


def _tokens_per_second(usage: Usage, timings: Timings) -> str | None:
    """Return the speed from the first token to the end."""
    seconds = timings.duration - (timings.time_to_first_token or 0)
    return f"{usage.output_tokens / seconds:.0f}" if usage.output_tokens and seconds > 0 else None
