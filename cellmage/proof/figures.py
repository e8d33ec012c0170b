"""The figures of an answer: its live expressions are evaluated, its other numbers are looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..describe import Level
from ..errors import TwinError
from ..marks import Mark
from .expression_check import problem_of
from .expressions import LiveExpression, find_live
from .numbers import find_unknown
from .trial import run_trials

EACH_SECONDS = 2.0
"""The time for an expression."""

_MAX_SECONDS = 60.0

INSTRUCTIONS = (
    "Figures about the user's data are computed where your answer is read. Write each one as "
    "{{= expression }}, a Python expression over the user's variables that only computes, such as "
    "{{= len(df) }} or {{= round(df['price'].mean(), 2) }}; its value is shown in its place. Write "
    "no such figure as digits, write the expressions into sentences and tables, not into code, and "
    "use no function of the user in them."
)
"""What is added to the system prompt."""


def mark_figures(
    text: str, sent: Sequence[str], variables: Mapping[str, Any], level: Level
) -> list[Mark]:
    """Return the marks of an answer's figures.

    Args:
        text: the answer.
        sent: the texts from which the model may know numbers.
        variables: the variables of the user.
        level: what may be described of tables.
    """
    values = list(_evaluate(find_live(text), variables, level))
    value_texts = [mark.text for mark in values if mark.kind == "value"]
    unknown = find_unknown(text, [part.replace(INSTRUCTIONS, "") for part in sent], value_texts)
    numbers = [Mark(start, end, "number") for start, end in unknown]
    return sorted([*values, *numbers], key=lambda mark: mark.start)


def _evaluate(
    expressions: Sequence[LiveExpression], variables: Mapping[str, Any], level: Level
) -> Iterator[Mark]:
    """Yield the value of each expression; one twin evaluates all, each source once."""
    problems = {live.source: problem_of(live.source, variables) for live in expressions}
    sources = [source for source, problem in problems.items() if not problem]
    seconds = min(EACH_SECONDS * len(sources) + 1, _MAX_SECONDS)
    values: dict[str, str] = {}
    if sources:
        try:
            trials = run_trials("values", sources, seconds, level, each_seconds=EACH_SECONDS)
        except TwinError as error:
            problems |= dict.fromkeys(sources, str(error))
        else:
            problems |= {trial.code: trial.error for trial in trials}
            values = {t.code: t.report["value"] for t in trials if "value" in t.report}
    for live in expressions:
        value = values.get(live.source)
        if value is None:
            reason = problems[live.source]
            yield Mark(live.start, live.end, "no_value", reason, live.source)
        else:
            yield Mark(live.start, live.end, "value", value, live.source)
