"""Select the earlier turns that are sent: the newest complete turns that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .content import Content, attachment_tokens, attachments_of, text_of
from .errors import UsageError
from .messages import Message, Request
from .options import Options
from .turns import Turn

_BYTES_PER_TOKEN = 4
"""Bytes of UTF-8 in a token, on average."""

_TOKENS_PER_MESSAGE = 4
"""Tokens that a message costs besides its text."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a message with this text has.

    Example:
        >>> estimate_tokens("twelve bytes")
        7
    """
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) + _TOKENS_PER_MESSAGE


def estimate_content(content: Content) -> int:
    """Return about how many tokens a message with this content has."""
    attachments = sum(map(attachment_tokens, attachments_of(content)))
    return estimate_tokens(text_of(content)) + attachments


def estimate_message(message: Message) -> int:
    """Return about how many tokens a message has, with its tool calls."""
    calls = "".join(call.name + call.arguments for call in message.tool_calls)
    attachments = sum(map(attachment_tokens, attachments_of(message.content)))
    return estimate_tokens(message.text + calls) + attachments


def turn_tokens(turns: Sequence[Turn]) -> list[int]:
    """Return the tokens of each turn: the provider's count if there is one, else an estimate.

    A provider counts everything that was sent. So the question has the tokens of this count, less
    those of the count and the answer before it.
    """
    return list(_turn_tokens(turns))


def _turn_tokens(turns: Sequence[Turn]) -> Iterator[int]:
    earlier: int | None = None
    for turn in turns:
        input_tokens, output_tokens = _counts(turn)
        question = estimate = estimate_content(turn.content)
        if earlier is not None and input_tokens is not None:
            difference = input_tokens - earlier
            question = difference if 0 < difference < 4 * estimate else estimate
        answer = output_tokens
        if answer is None:
            answer = sum(map(estimate_message, turn.response.messages()))
        yield question + answer
        is_counted = input_tokens is not None and output_tokens is not None
        earlier = (input_tokens or 0) + answer if is_counted else None


def _counts(turn: Turn) -> tuple[int | None, int | None]:
    """Return the provider's counts of a turn, where they are of one request."""
    usage = turn.response.usage
    # With tools, the counts are the sum of several requests, and do not include the results.
    if usage is None or turn.response.steps:
        return None, None
    return usage.input_tokens, usage.output_tokens


def select_turns(
    turns: Sequence[Turn], prompt: Content, options: Options
) -> tuple[Sequence[Turn], str]:
    """Return the turns that are sent with a question, and a line about those that are not.

    The question and the system prompt are always sent.

    Args:
        turns: the turns before the question.
        prompt: the question.
        options: ``max_context_turns`` and ``max_context_tokens`` limit what is sent.

    Raises:
        UsageError: the question alone is too long.

    Example:
        >>> from cellmage import Response
        >>> turns = [Turn(f"Question {n}", Response("word " * 100)) for n in range(9)]
        >>> selected, line = select_turns(turns, "And now?", Options(max_context_tokens=500))
        >>> len(selected), line
        (3, '6 older turns were left out: about 500 tokens may be sent (max_context_tokens)')
    """
    selected, reason = turns, ""
    max_turns, max_tokens = options.max_context_turns, options.max_context_tokens
    if max_turns is not None and len(turns) > max_turns:
        selected = turns[len(turns) - max_turns :]
        reason = f"{max_turns} may be sent (max_context_turns)"
    if max_tokens is not None:
        required = [prompt, *([options.system] if options.system else [])]
        room = max_tokens - sum(map(estimate_content, required))
        if room < 0:
            raise UsageError(
                f"the question is too long by about {-room} tokens: `max_context_tokens` allows "
                f"{max_tokens}; nothing was sent",
                kind="context_overflow",
                option="max_context_tokens",
            )
        count = _count_that_fit(turn_tokens(turns)[len(turns) - len(selected) :], room)
        if count < len(selected):
            selected = selected[len(selected) - count :]
            reason = f"about {max_tokens} tokens may be sent (max_context_tokens)"
    left_out = _older_turns_were(len(turns) - len(selected))
    return selected, f"{left_out} left out: {reason}" if reason else ""


def _count_that_fit(sizes: Sequence[int], room: int) -> int:
    """Return how many sizes, from the end, fit into the room."""
    for count, size in enumerate(reversed(sizes)):
        room -= size
        if room < 0:
            return count
    return len(sizes)


def _older_turns_were(count: int) -> str:
    return "1 older turn was" if count == 1 else f"{count} older turns were"


# After the provider has refused a request as too long.

_COUNT = r"(?<![\w.,-])(\d[\d,]{2,})(?![\w-])"
_LIMITS = re.compile(
    r"(?:\b(?:max(?:imum)?|limit|supports?|up to|at most|less than|exceed)\b"
    rf"|context (?:length|window|size)|max_\w*len)\D{{0,60}}?{_COUNT}"
    rf"|[<>]=? +{_COUNT}|\[\d, *{_COUNT}\]|{_COUNT} (?:tokens )?(?:max|limit)",
    re.IGNORECASE,
)
_MARGIN = 0.95
"""The part of the room that is used: token counts here are estimates."""


def drop_older_turns(request: Request, provider_message: str) -> Request | None:
    """Return the request without its oldest turns; None if no turn can be left out.

    It is shortened as far as the counts in the provider's error say, else by half.

    Args:
        request: the request that was too long.
        provider_message: the provider's error.
    """
    messages = request.messages
    first = 1 if messages[0].role == "system" else 0
    starts = [index for index in range(first, len(messages)) if messages[index].role == "user"]
    if len(starts) < 2:
        return None
    sizes = list(map(estimate_message, messages))
    room = sum(sizes) * _part_that_fits(provider_message, sum(sizes)) - sum(sizes[:first])
    start = next((index for index in starts if sum(sizes[index:]) <= room), starts[-1])
    start = max(start, starts[1])
    left_out = _older_turns_were(starts.index(start))
    notice = f"{left_out} left out: the model cannot read more"
    remaining = (*messages[:first], *messages[start:])
    return replace(request, messages=remaining, notices=(*request.notices, notice))


def _part_that_fits(provider_message: str, estimate: int) -> float:
    """Return the part of a request that is short enough: a number from 0 to 1.

    Args:
        provider_message: the provider's error, which may name the limit and what was sent.
        estimate: our count of the tokens that were sent.

    Example:
        >>> _part_that_fits("maximum context length is 4096, you requested 8192 tokens", 8000)
        0.475
        >>> _part_that_fits("the prompt is too long", 8000)
        0.5
    """
    limits = [_to_int(next(filter(None, groups))) for groups in _LIMITS.findall(provider_message)]
    limit = min(limits, default=0)
    counts = map(_to_int, re.findall(_COUNT, provider_message))
    requested = max((count for count in counts if count > limit), default=estimate)
    # A limit far above the estimate is another one, or the estimate is wrong.
    if not limit or limit >= requested or limit > 2 * estimate:
        return 0.5
    return limit / requested * _MARGIN


def _to_int(digits: str) -> int:
    return int(digits.replace(",", ""))
