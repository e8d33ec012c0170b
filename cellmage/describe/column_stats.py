"""Statistics of a column that show no single cell: rounded numbers, and values of several rows.

A value is shown exactly only if at least `MIN_ROWS` rows hold it. All others are rounded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..text import truncate

MIN_ROWS = 5
"""The rows that hold a value which is shown."""

_DIGITS = 3
"""The digits of a number that fewer rows hold."""

_MAX_CATEGORIES = 10
_CATEGORY_CHARS = 40
_QUARTILES = (0.25, 0.5, 0.75)

Extremes = Callable[[], tuple[Any, Any] | None]


def describe_values(values: Sequence[Any], extremes: Extremes) -> str:
    """Return the statistics of a column in one line; empty if too few rows have a value.

    Args:
        values: its values, or a sample of them.
        extremes: returns the least and the greatest of all values; None if the sample has them.

    Example:
        >>> describe_values([1, 1, 1, 1, 1, 123456], lambda: None)
        'range 1 to 123000, quartiles 1, 1, 1, mean 20600'
        >>> describe_values(["a"] * 6 + ["secret"], lambda: None)
        'held by at least 5 rows: a (6)'
    """
    kinds = {cls: _kind(cls) for cls in set(map(type, values))}
    present = [value for value in values if kinds[type(value)] and value == value]  # noqa: PLR0124
    present_kinds = {kinds[cls] for cls in set(map(type, present))}
    if len(present) < MIN_ROWS or len(present_kinds) != 1:
        return ""
    return _DESCRIBERS[present_kinds.pop()](present, extremes)


def _kind(cls: type) -> str:
    """Return the kind of the values of a class; empty if code of the class would run."""
    if issubclass(cls, datetime | timedelta):  # those of pandas, too
        return "time" if issubclass(cls, datetime) else "duration"
    return _KINDS.get(cls, "")


_KINDS: Mapping[type, str] = {
    int: "number", float: "number", Decimal: "number", bool: "text", str: "text", date: "time",
}  # fmt: skip


def _describe_numbers(values: Sequence[Any], extremes: Extremes) -> str:
    counts = Counter(values)
    ordered = sorted(values)
    low, high = extremes() or (ordered[0], ordered[-1])
    quartiles = [ordered[int(share * (len(ordered) - 1))] for share in _QUARTILES]
    mean = _mean(values)

    def show(value: Any) -> str:
        return str(value) if counts[value] >= MIN_ROWS else _round(value)

    middle = ", ".join(map(show, quartiles))
    return f"range {show(low)} to {show(high)}, quartiles {middle}, mean {_round(mean)}"


def _mean(values: Sequence[Any]) -> float:
    try:
        return math.fsum(values) / len(values)
    except (OverflowError, ValueError):  # infinities of both signs
        return math.nan


def _describe_texts(values: Sequence[Any], extremes: Extremes) -> str:
    counts = Counter(values)
    common = [(value, count) for value, count in counts.most_common() if count >= MIN_ROWS]
    if not common:
        return f"held by at least {MIN_ROWS} rows: no value"
    categories = [f"{truncate(str(value), _CATEGORY_CHARS)} ({n})" for value, n in common]
    excess = (
        f" and {len(categories) - _MAX_CATEGORIES} more"
        if len(categories) > _MAX_CATEGORIES
        else ""
    )
    return f"held by at least {MIN_ROWS} rows: {', '.join(categories[:_MAX_CATEGORIES])}{excess}"


def _describe_times(values: Sequence[Any], extremes: Extremes) -> str:
    low, high = extremes() or (min(values), max(values))
    return f"from {low:%Y-%m} to {high:%Y-%m}"


def _describe_durations(values: Sequence[Any], extremes: Extremes) -> str:
    low, high = extremes() or (min(values), max(values))
    return f"range {_round(low.total_seconds())} s to {_round(high.total_seconds())} s"


_DESCRIBERS: Mapping[str, Callable[[Sequence[Any], Extremes], str]] = {
    "number": _describe_numbers,
    "text": _describe_texts,
    "time": _describe_times,
    "duration": _describe_durations,
}


def _round(value: Any) -> str:
    """Return a number with few digits."""
    if type(value) is int:
        return str(round(value, min(0, _DIGITS - len(str(abs(value))))))
    number = float(value)
    if not math.isfinite(number) or number == 0:
        return str(number)
    places = _DIGITS - 1 - math.floor(math.log10(abs(number)))
    return f"{round(number, places):g}"
