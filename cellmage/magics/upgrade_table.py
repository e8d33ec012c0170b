"""The report of an upgrade: what it may cost, and the table of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from ..display.listing import Listing, Row
from ..messages import Response, Usage
from ..pricing import expected_price, format_usd
from ..stats import UNKNOWN
from ..turns import Turn
from .upgrade_run import Outcome, Price, Question

_COLUMNS = ("cell", "question", "answer", "cost", "time")
_TEXT_CHARS = 120
_FREE = format_usd(Decimal(0))
_NO_COSTS = {UNKNOWN, _FREE}

_HEADINGS: Mapping[str, Callable[[int], str]] = {
    "changed": lambda count: f"{_answers(count)} changed",
    "failed": lambda count: f"{_prompts(count)} failed",
    "not asked": lambda count: f"{_prompts(count)} {_were(count)} not asked",
    "left out": lambda count: f"{_prompts(count)} {_were(count)} left out",
    "same": lambda count: f"{_answers(count)} {_are(count)} the same",
}
"""The headings of the outcomes, in the order in which they are shown."""


def describe_plan(
    questions: Sequence[Question], model: str, price: Price, limit: Decimal | None
) -> str:
    """Return what will be asked, and about what it costs, before it starts."""
    asked = [question for question in questions if not question.why_not]
    total = total_usage(asked)
    amount = price(total)
    cost_words = "its price is not known" if amount is None else _about(amount)
    limit_words = "" if limit is None else f"; at most {format_usd(limit)} (--budget)"
    left_out = len(questions) - len(asked)
    others = f" {_prompts(left_out)} {_are(left_out)} left out." if left_out else ""
    return (
        f"{_prompts(len(asked))} for {model}: about {total.input_tokens} tokens in, "
        f"{total.output_tokens} out; {cost_words}{limit_words}.{others}"
    )


def total_usage(questions: Iterable[Question]) -> Usage:
    """Return about how many tokens questions take."""
    expected = [question.expected for question in questions]
    return Usage(
        sum(usage.input_tokens or 0 for usage in expected),
        sum(usage.output_tokens or 0 for usage in expected),
    )


def make_table(outcomes: Sequence[Outcome], name_of: Callable[[Turn], str], end: str) -> Listing:
    """Return the table of an upgrade, with what changed first.

    Args:
        outcomes: what came of each question.
        name_of: returns the name of the cell of a turn.
        end: the line below the table.
    """
    sections = {
        heading(len(own)): [_row(outcome, name_of) for outcome in own]
        for state, heading in _HEADINGS.items()
        if (own := [outcome for outcome in outcomes if outcome.state == state])
    }
    rows = [row for own in sections.values() for row in own]
    columns = [name for name in _COLUMNS if any(row[name] != UNKNOWN for row in rows)]
    return Listing(columns, sections, end, _TEXT_CHARS, ("question", "answer"))


def describe_totals(outcomes: Sequence[Outcome]) -> str:
    """Return what all answers have cost and how long they took, then and now."""
    pairs = [(outcome, outcome.question.turn.response) for outcome in outcomes if outcome.response]
    if not pairs:
        return "No answer to compare."
    then = _sum(_old_cost(old) for _, old in pairs)
    now = _sum(outcome.cost for outcome, _ in pairs)
    seconds = sum(_seconds(old) for _, old in pairs)
    seconds_now = sum(_seconds(outcome.response) for outcome, _ in pairs)
    costs = f"{then} then, {now} now; " if {then, now} != {_FREE} else ""
    return f"These answers: {costs}{seconds:.1f} s then, {seconds_now:.1f} s now."


def _row(outcome: Outcome, name_of: Callable[[Turn], str]) -> Row:
    turn, response = outcome.question.turn, outcome.response
    costs = [_usd(_old_cost(turn.response)), _usd(outcome.cost) if response else UNKNOWN]
    times = [_time(turn.response), _time(response)]
    return {
        "cell": name_of(turn),
        "question": turn.question,
        "answer": outcome.words or outcome.state,
        "cost": " → ".join(costs) if set(costs) - _NO_COSTS else UNKNOWN,
        "time": " → ".join(times) if set(times) != {UNKNOWN} else UNKNOWN,
    }


def _old_cost(response: Response) -> Decimal | None:
    """Return what an answer has cost; nothing on this machine."""
    usage = response.usage
    if usage is None or None in (usage.input_tokens, usage.output_tokens):
        return None
    return expected_price(response.model, response.provider, usage)


def _time(response: Response | None) -> str:
    return f"{_seconds(response):.1f} s" if response and response.timings else UNKNOWN


def _seconds(response: Response | None) -> float:
    return response.timings.duration if response and response.timings else 0.0


def _usd(amount: Decimal | None) -> str:
    return UNKNOWN if amount is None else format_usd(amount)


def _sum(amounts: Iterable[Decimal | None]) -> str:
    known = [amount for amount in amounts if amount is not None]
    return format_usd(sum(known, Decimal(0))) if known else "an unknown price"


def _about(amount: Decimal) -> str:
    text = format_usd(amount)
    return text if text.startswith("<") else f"about {text}" if amount else "free of charge"


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count} answers"


def _prompts(count: int) -> str:
    return "1 prompt" if count == 1 else f"{count} prompts"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
