"""Figures of an answer: who, how fast, how much."""

from __future__ import annotations

from .messages import Response, Timings, Usage
from .pricing import cost, dollars


def figures(response: Response) -> dict[str, str]:
    """What is known of an answer, in words, by name; tokens as the provider counted them.

    Example:
        >>> figures(Response("Hello", model="m", usage=Usage(3, 20), timings=Timings(0.5, 2.5, 2)))
        ... # doctest: +NORMALIZE_WHITESPACE
        {'model': 'm', 'first word': '0.50 s', 'in all': '2.50 s', 'chunks': '2',
         'characters': '5', 'tokens in': '3', 'tokens out': '20', 'tokens/s': '10', 'cost': '—'}
    """
    timings = response.timings or Timings(None, 0.0)
    usage, price = response.usage or Usage(), cost(response)
    first = timings.time_to_first_token
    known = {
        "model": response.model,
        "first word": None if first is None else f"{first:.2f} s",
        "in all": f"{timings.duration:.2f} s",
        "chunks": timings.chunks,
        "characters": len(response.text),
        "tokens in": usage.input_tokens,
        "tokens out": usage.output_tokens,
        "tokens/s": _speed(usage, timings),
        "cost": None if price is None else dollars(price),
    }
    return {name: "—" if value is None else str(value) for name, value in known.items()}


def stats_line(response: Response) -> str:
    """The same on one line, under an answer.

    Example:
        >>> stats_line(Response("Hi", model="m", usage=Usage(3, 20), timings=Timings(0.5, 2.5, 2)))
        ... # doctest: +NORMALIZE_WHITESPACE
        'm · first word after 0.50 s · 2.50 s in all · 2 characters in 2 chunks ·
         3 tokens in, 20 out · 10 tokens/s'
        >>> stats_line(Response("", model="m", timings=Timings(None, 2.5)))
        'm · 2.50 s in all · 0 characters in 0 chunks · tokens: not given'
    """
    known = figures(response)
    tokens = [known["tokens in"], known["tokens out"]]
    told, answered = ("?" if count == "—" else count for count in tokens)
    is_counted = tokens != ["—", "—"]
    speed, price, first = known["tokens/s"], known["cost"], known["first word"]
    parts = [
        response.model,
        "" if first == "—" else f"first word after {first}",
        f"{known['in all']} in all",
        f"{known['characters']} characters in {known['chunks']} chunks",
        f"{told} tokens in, {answered} out" if is_counted else "tokens: not given",
        "" if speed == "—" else f"{speed} tokens/s",
        "" if price == "—" else price,
    ]
    return " · ".join(part for part in parts if part)


def _speed(usage: Usage, timings: Timings) -> str | None:
    """Tokens a second, from the first word to the end."""
    took = timings.duration - (timings.time_to_first_token or 0)
    return f"{usage.output_tokens / took:.0f}" if usage.output_tokens and took > 0 else None
