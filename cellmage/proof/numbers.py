"""Find the numbers in the prose of an answer, and those of which nobody knows where they are from.

A number is known if what was sent has it, also rounded, as per cent of a part of one, or in
thousands, millions and billions. A number that only counts paragraphs, steps or sources says
nothing about data, and is left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from .expressions import code_places, find_live

_SPACES = "  \u202f\u2009"
_GROUPS = rf"\d{{1,3}}(?:(?P<mark>[,.'’{_SPACES}])\d{{3}})(?:(?P=mark)\d{{3}})*(?!\d)"
_PLAIN = r"\d+"
_NUMBER = re.compile(
    rf"(?:{_GROUPS}|{_PLAIN})(?:[.,]\d+)?(?:[eE][+-]?\d+(?![\w]))?|(?<!\d)\.\d+(?:[eE][+-]?\d+)?"
)
_TIME = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
)

_WORDS_BEFORE = (
    "step|section|chapter|figure|fig\\.|part|option|phase|method|approach|point|example|"
)
_NO_FIGURE = re.compile(
    rf"""(?mix)
    ^[ \t>]*(?:[-*+][ ]+)?(?:\*\*)?\(?\d+[.)](?=\s|\*\*)      # the number of a list's item
    | ^[ \t>]*\#+[ ]*\d+(?:\.\d+)*[.):]?(?=\s)               # the number of a heading
    | \b(?:{_WORDS_BEFORE}question|version|appendix|note)\s+\d+(?:\.\d+)*\b
    | \b\d+(?:st|nd|rd|th)\b | \b\d[dD]\b                    # 2nd, 3D
    | \[\d+\]                                                # a source
    | (?:https?://|www\.)\S+ | \]\([^)\s]*\)                 # an address
    | &\#x?\w+;                                              # a character of HTML
    """
)
_SCALES = {
    "%": -2,
    "percent": -2,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "million": 6,
    "bn": 9,
    "billion": 9,
}
_SCALE = re.compile(
    r"\s?(%|percent|per cent|k|thousand|m|million|bn|billion)(?![\w])", re.IGNORECASE
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY_BEFORE = re.compile(rf"\b{_MONTH}\s$", re.IGNORECASE)
_DAY_AFTER = re.compile(rf"\.?\s(?:of\s)?{_MONTH}", re.IGNORECASE)
_WORD_CHARS = 12
"""The characters of a month before its day."""

_MIN_DIGITS = 2
"""The digits that a number has at least that is the rounded one of another."""

Place = tuple[int, int]


def find_unknown(text: str, sent: Iterable[str], values: Iterable[str] = ()) -> list[Place]:
    """Return the places of the numbers in the prose of an answer that are not known.

    Args:
        text: the answer.
        sent: the texts that were sent.
        values: the values of the answer's live expressions.

    Example:
        >>> text = "Of 60 rows, 25 % cost 1 770 or more, and 3 are odd (rounded: 29.5)."
        >>> [text[start:end] for start, end in find_unknown(text, ["60 rows, 1770, 0.25, 29.46"])]
        ['3']
    """
    sources = [*sent, *values]
    numbers = Known.of(sources)
    return [
        (start, end)
        for start, end in _places(text)
        if not numbers.has(text[start:end], text[max(0, start - _WORD_CHARS) : start], text[end:])
    ]


def _places(text: str) -> Iterator[Place]:
    """Yield the places of the numbers in the prose of a text."""
    hidden = [*code_places(text), *((live.start, live.end) for live in find_live(text))]
    hidden += [match.span() for match in _NO_FIGURE.finditer(text)]
    hidden.sort()
    taken = 0
    matches = sorted(
        [match.span() for pattern in (_TIME, _NUMBER) for match in pattern.finditer(text)],
        key=lambda span: (span[0], -span[1]),
    )
    for start, end in matches:
        if start < taken or _is_hidden(start, hidden) or _is_glued(text, start):
            continue
        taken = end
        yield start, end


def _is_hidden(start: int, hidden: list[Place]) -> bool:
    index = bisect_left(hidden, (start + 1, 0)) - 1
    return any(first <= start < end for first, end in hidden[max(0, index - 3) : index + 1])


def _is_glued(text: str, start: int) -> bool:
    r"""Return whether a number belongs to a word or a formula: x1, v1.2, UTF-8, x_1, x^2."""
    before = text[max(0, start - 2) : start]
    is_word = before[-1:].isalpha() or before[-1:] in ("_", "^", "\\")
    is_name = len(before) > 1 and before[0].isalpha() and before[1] in "-.{"
    is_index = before in ("_{", "^{")
    return is_word or is_name or is_index


@dataclass(frozen=True, slots=True)
class Known:
    """The numbers that were sent.

    Args:
        numbers: each once, in order.
        times: the dates and times, as they were written.
        days: the days of the dates.
    """

    numbers: tuple[Decimal, ...]
    times: frozenset[str]
    days: frozenset[int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Known:
        """Return the numbers of texts, also of their code."""
        numbers: set[Decimal] = set()
        times: set[str] = set()
        for text in texts:
            times.update(_TIME.findall(text))
            for match in _NUMBER.finditer(_TIME.sub(" ", text)):
                numbers.update(_readings(match[0]))
                numbers.update(_parts(match[0]))
        dates = [time[:10] for time in times if "-" in time]
        numbers.update(Decimal(date[:4]) for date in dates)
        days = frozenset(int(date[8:]) for date in dates)
        return cls(tuple(sorted(numbers)), frozenset(times), days)

    def has(self, number: str, before: str, after: str) -> bool:
        """Return whether a number is known.

        Args:
            number: as it is written.
            before: the end of the text before it.
            after: the text behind it, with its unit.
        """
        if _TIME.fullmatch(number):
            return number in self.times
        if number.isdecimal() and (_DAY_BEFORE.search(before) or _DAY_AFTER.match(after)):
            return int(number) in self.days or self._has(Decimal(number))
        scale = _SCALE.match(after)
        power = _SCALES[scale[1].lower().replace(" ", "")] if scale else 0
        readings = _readings(number)
        scaled = [reading.scaleb(power) for reading in readings] if power else []
        parts = _parts(number)
        return any(map(self._has, [*readings, *scaled])) or (
            len(parts) > 1 and all(map(self._has, parts))
        )

    def _has(self, number: Decimal) -> bool:
        """Return whether a number, or one of which it is the rounded one, was sent."""
        numbers, index = self.numbers, bisect_left(self.numbers, number)
        if index < len(numbers) and numbers[index] == number:
            return True
        unit = _unit(number)
        if unit is None:
            return False
        first = bisect_left(numbers, number - unit)
        last = bisect_left(numbers, number + unit)
        return any(_rounds(other, number, unit) for other in numbers[first : last + 1])


def _unit(number: Decimal) -> Decimal | None:
    """Return what the last digit of a number counts; None if it has too few digits for that."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return None
    significant = "".join(map(str, digits)).lstrip("0")
    if exponent >= 0:
        stripped = significant.rstrip("0")
        exponent += len(significant) - len(stripped)
        significant = stripped
    return Decimal(1).scaleb(exponent) if len(significant) >= _MIN_DIGITS else None


def _rounds(other: Decimal, number: Decimal, unit: Decimal) -> bool:
    """Return whether a number is the rounded one of another."""
    try:
        return any(
            other.quantize(unit, rounding) == number
            for rounding in (ROUND_HALF_UP, ROUND_HALF_DOWN)
        )
    except InvalidOperation:  # too many digits
        return False


def _readings(number: str) -> list[Decimal]:
    """Return what a number may mean: commas and dots separate thousands or decimals.

    Example:
        >>> _readings("1,770"), _readings("29,5")
        ([Decimal('1770'), Decimal('1.770')], [Decimal('29.5')])
    """
    text = re.sub(rf"['’{_SPACES}]", "", number)
    candidates = [text]
    for thousands, decimal in ((",", "."), (".", ",")):
        if thousands in text:
            pattern = rf"\d{{1,3}}(?:\{thousands}\d{{3}})+(?:\{decimal}\d+)?"
            if re.fullmatch(pattern, text):
                candidates.append(text.replace(thousands, "").replace(decimal, "."))
    if text.count(",") == 1:
        candidates.append(text.replace(",", "."))
    readings = []
    for candidate in candidates:
        try:
            readings.append(Decimal(candidate))
        except InvalidOperation:
            continue
    return sorted(set(readings), reverse=True)


def _parts(number: str) -> list[Decimal]:
    """Return the numbers that a space separates: "12 000" may be one number, or two."""
    return [reading for part in re.split(" ", number) for reading in _readings(part)[:1]]
