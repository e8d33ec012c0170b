"""Which of the earlier turns are sent: the newest whole ones that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .errors import UsageError
from .messages import Message, Request, Turn
from .options import Options

_BYTES = 4
_FRAME = 4
"""Bytes of UTF-8 in a token, about, and tokens that a message costs besides its text."""


def estimate(text: str) -> int:
    """Tokens in a message of this text, about.

    Example:
        >>> estimate("twelve bytes")
        7
    """
    return -(-len(text.encode("utf-8", "replace")) // _BYTES) + _FRAME


def size(message: Message) -> int:
    """Tokens of a message, about, with the tools that it asks for."""
    asked = "".join(call.name + call.arguments for call in message.tool_calls)
    return estimate(message.content + asked)


def tokens(turns: Sequence[Turn]) -> list[int]:
    """Tokens of each turn: by the provider's count where it gave one, else an estimate.

    What a provider counts for a request is all that was sent: the question is what this count has
    more than the one before and its answer.
    """
    return list(_tokens(turns))


def _tokens(turns: Sequence[Turn]) -> Iterator[int]:
    before: int | None = None
    for turn in turns:
        usage = turn.response.usage
        asked, answered = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
        if turn.response.steps:  # counted once for each of its requests, and without results
            asked = answered = None
        guess = estimate(turn.prompt)
        question = guess
        if before is not None and asked is not None and 0 < asked - before < 4 * guess:
            question = asked - before
        answer = sum(map(size, turn.response.messages())) if answered is None else answered
        yield question + answer
        before = None if asked is None or answered is None else asked + answered


def fit(turns: Sequence[Turn], prompt: str, options: Options) -> tuple[Sequence[Turn], str]:
    """The turns that are sent with a question, and a line about those that are not.

    The question and the system prompt are always in.

    Args:
        turns: the turns before the question.
        prompt: the question.
        options: ``max_context_turns`` and ``max_context_tokens`` limit what is sent.

    Raises:
        UsageError: the question alone is too long.

    Example:
        >>> from cellmage import Response
        >>> turns = [Turn(f"Question {n}", Response("word " * 100)) for n in range(9)]
        >>> kept, line = fit(turns, "And now?", Options(max_context_tokens=500))
        >>> len(kept), line
        (3, '6 older turns were left out: about 500 tokens may be sent (max_context_tokens)')
    """
    kept, why = turns, ""
    if options.max_context_turns is not None and len(turns) > options.max_context_turns:
        kept = turns[len(turns) - options.max_context_turns :]
        why = f"{options.max_context_turns} may be sent (max_context_turns)"
    if options.max_context_tokens is not None:
        fixed = [prompt, *([options.system] if options.system else [])]
        room = options.max_context_tokens - sum(map(estimate, fixed))
        if room < 0:
            raise UsageError(
                f"the question is too long by about {-room} tokens: max_context_tokens allows "
                f"{options.max_context_tokens}; nothing was sent",
                kind="context_length",
            )
        count = _newest(tokens(turns)[len(turns) - len(kept) :], room)
        if count < len(kept):
            kept = kept[len(kept) - count :]
            why = f"about {options.max_context_tokens} tokens may be sent (max_context_tokens)"
    return kept, f"{_older(len(turns) - len(kept))} left out: {why}" if why else ""


def _newest(sizes: Sequence[int], room: int) -> int:
    """How many, from the end, have room."""
    for count, each in enumerate(reversed(sizes)):
        room -= each
        if room < 0:
            return count
    return len(sizes)


def _older(count: int) -> str:
    return "1 older turn was" if count == 1 else f"{count} older turns were"


# After the provider has said that it is too much.

_LIMIT = re.compile(r"(?:maximum|limit|size|length|window)\D{0,60}?([\d,]{4,})", re.IGNORECASE)


def shortened(request: Request, said: str) -> Request | None:
    """The request with older turns left out: to the limit in the provider's words, or by half.

    None where there is nothing to leave out.

    Args:
        request: what was too long.
        said: what the provider said.
    """
    messages = request.messages
    first = 1 if messages[0].role == "system" else 0
    starts = [at for at in range(first, len(messages)) if messages[at].role == "user"]
    if len(starts) < 2:
        return None
    sizes = list(map(size, messages))
    limit = _limit(said)
    room = min(limit, sum(sizes) * 0.9) if limit else sum(sizes) / 2
    room -= sum(sizes[:first])
    start = next((at for at in starts if sum(sizes[at:]) <= room), starts[-1])
    start = max(start, starts[1])
    left_out = starts.index(start)
    note = f"{_older(left_out)} left out: the model cannot read more"
    kept = (*messages[:first], *messages[start:])
    return replace(request, messages=kept, notices=(*request.notices, note))


def _limit(said: str) -> int | None:
    """The number of tokens that a provider's error allows."""
    match = _LIMIT.search(said)
    return int(match[1].replace(",", "")) if match else None
