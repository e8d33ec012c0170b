"""Numbers in the prose of an answer: those that nobody can have known are marked."""

from __future__ import annotations

import re

import pytest

from cellmage.proof.numbers import find_unknown
from tests.proof.answers import Answer, answers
from tests.repetitions import IS_STRESS

ANSWERS = 200 if IS_STRESS else 30


def unknown(text: str, *sent: str, values: tuple[str, ...] = ()) -> list[str]:
    return [text[start:end] for start, end in find_unknown(text, sent, values)]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("1,770 units", "1770"),
        ("1 770 units", "1770"),
        ("1.770 Stück, 29,5 kg", "1770 and 29.5"),
        ("29.46, or about 29.5", "29.4567"),
        ("25 % or 25 percent", "a share of 0.25"),
        ("12 k, 1.2 million", "12000 and 1200000"),
        ("about 1,800", "1770"),
        ("5kg and 3x", "5, 3"),
        ("from 10–20", "10 to 20"),
        ("on 2026-11-27 at 10:30", "2026-11-27, 10:30"),
        ("$5, €6.50, (7)", "5 6.5 7"),
        ("rows 3, 4, 5", "3 4 5"),
        ("1.5e-3", "0.0015"),
        ("27 November 2026, Nov 28", "2026-11-27 to 2026-11-28"),
    ],
)
def test_what_was_sent_is_known_in_all_ways_to_write_it(text: str, sent: str) -> None:
    assert unknown(text, sent) == []
    assert unknown(text, "") != []


@pytest.mark.parametrize(
    "text",
    [
        "1. First\n2. Second\n   3) Third\n- 4. Fourth",
        "## 2.1 A heading\n# 3. Another",
        "See Step 2, Figure 3 and [4]. It is the 5th, in 3D.",
        "x1, H2O, v1.2, UTF-8, $x_2^3$ and `77`",
        "```\n99\n```",
        "https://example.org/12 and [a](page-13)",
        "{{= 14 + 15 }}",
        "&#39;",
    ],
)
def test_what_only_counts_paragraphs_or_is_code_is_no_figure(text: str) -> None:
    assert unknown(text, "") == []


def test_other_numbers_are_marked() -> None:
    assert unknown("It is 1776, **12** or $3$, not 5 %.", "1770, 4") == ["1776", "12", "3", "5"]
    assert unknown("rounded to 4", "3.7") == ["4"], "one digit rounds nearly everything"
    assert unknown("It has 1776 rows", "1770", values=("1776",)) == []


def marked_wrong(answer: Answer) -> bool:
    """Return whether each number with a wrong digit is marked."""
    marked = unknown(answer.text, *answer.sent)
    return all(
        any(re.search(rf"(?<!\d){re.escape(number)}", wrong) for number in marked)
        for wrong in answer.wrong
    )


def test_wrong_digits_are_marked_and_few_right_ones() -> None:
    cases = list(answers(ANSWERS))
    missed = [answer for answer in cases if not marked_wrong(answer)]
    false = [number for answer in cases for number in false_marks(answer)]
    total = sum(len(answer.right) for answer in cases)
    assert not missed, f"{len(missed)} of {len(cases)}: {missed[0]}"
    assert len(false) <= 0.02 * total, f"{len(false)} of {total}: {false[:20]}"


def false_marks(answer: Answer) -> list[str]:
    marked = unknown(answer.text, *answer.sent)
    return [number for number in marked if not any(number in wrong for wrong in answer.wrong)]
