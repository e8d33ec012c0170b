"""One line about an answer: who, how fast, how much."""

from __future__ import annotations

from .messages import Response, Timings, Usage
from .spending import cost, dollars


def stats_line(response: Response) -> str:
    """Model, times, tokens as the provider counted them, cost where the price is known.

    Example:
        >>> stats_line(Response("Hi", model="m", usage=Usage(3, 20), timings=Timings(0.5, 2.5)))
        'm · first word after 0.5 s · 2.5 s in all · 3 tokens in, 20 out · 10 tokens/s'
        >>> stats_line(Response("Hi", model="m", timings=Timings(0.5, 2.5)))
        'm · first word after 0.5 s · 2.5 s in all · tokens: not given'
    """
    timings = response.timings or Timings(None, 0.0)
    usage = response.usage or Usage()
    first, price = timings.first_word, cost(response)
    parts = [
        response.model,
        "" if first is None else f"first word after {first:.1f} s",
        f"{timings.total:.1f} s in all",
        _tokens(usage),
        _speed(usage, timings),
        "" if price is None else dollars(price),
    ]
    return " · ".join(part for part in parts if part)


def _tokens(usage: Usage) -> str:
    if usage.input_tokens is None and usage.output_tokens is None:
        return "tokens: not given"
    counts = (usage.input_tokens, usage.output_tokens)
    told, answered = ("?" if count is None else count for count in counts)
    return f"{told} tokens in, {answered} out"


def _speed(usage: Usage, timings: Timings) -> str:
    """Tokens a second, from the first word to the end."""
    took = timings.total - (timings.first_word or 0)
    return f"{usage.output_tokens / took:.0f} tokens/s" if usage.output_tokens and took > 0 else ""
