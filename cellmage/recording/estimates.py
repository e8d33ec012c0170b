"""About what it takes to ask a question again, from what it took before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from ..content import Content
from ..context_window import estimate_content, estimate_message, estimate_tokens
from ..messages import Message, Usage
from ..turns import Turn

ANSWER_TOKENS = 1000
"""The tokens of an answer of which nothing is known."""


def estimate_turn(turn: Turn, earlier: Sequence[Turn] = ()) -> Usage:
    """Return about how many tokens a turn has if it is asked again: what the provider counted.

    Args:
        turn: the turn.
        earlier: the turns that are sent with it, for an estimate where nothing was counted.

    Example:
        >>> from cellmage import Response
        >>> estimate_turn(Turn("Hi", Response("Hello", usage=Usage(9, 2))))
        Usage(input_tokens=9, output_tokens=2)
        >>> estimate_turn(Turn("Hi", Response("Hello")))
        Usage(input_tokens=5, output_tokens=6)
    """
    usage, response = turn.response.usage or Usage(), turn.response
    output = usage.output_tokens
    if output is None or response.incomplete_reason:
        texts = sum(map(estimate_message, response.messages()))
        output = max(texts + len(response.reasoning) // 4, output or 0)
    counted = usage.input_tokens if not response.steps else None
    if counted is None:
        counted = estimate_input(turn.content, turn.system, earlier)
    return Usage(counted, output)


def estimate_question(content: Content, system: str, earlier: Sequence[Turn]) -> Usage:
    """Return about how many tokens a new question has; its answer is like those before."""
    counts = [turn.response.usage.output_tokens for turn in earlier if turn.response.usage]
    sizes = [count for count in counts if count is not None]
    output = round(mean(sizes)) if sizes else ANSWER_TOKENS
    return Usage(estimate_input(content, system, earlier), output)


def estimate_input(content: Content, system: str, earlier: Sequence[Turn]) -> int:
    """Return about how many tokens a question has with all that is sent before it."""
    messages: list[Message] = [message for turn in earlier for message in turn.messages()]
    before = sum(map(estimate_message, messages))
    return before + estimate_content(content) + (estimate_tokens(system) if system else 0)
