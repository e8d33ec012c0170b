"""The marks of an answer on its page: verdicts below code blocks, values and unknown numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..display.base import Frame, LiveView
from ..display.panels import Panel
from ..marks import BLOCK_KINDS, Mark
from ..messages import Response
from .calls import call_panel

SIGNS = {"ran": "✓", "failed": "✗", "not_run": "–"}
"""What a verdict on a block begins with."""

_ACTING = re.compile(r"[\\`*_{}\[\]<>#$|~!&^=@]")
"""The characters that mean something in markdown, wherever they stand in a line."""

_UNDERLINED = re.compile(r"<u>([^<>\n]{1,60})</u>")
_MAX_LISTED = 10


def feed_marked(view: LiveView, response: Response) -> None:
    """Feed an answer to a view, with its tool calls and its marks."""
    offset = 0
    view.feed_reasoning(response.reasoning)
    for step in response.steps:
        _feed_text(view, step.text, offset, response.marks)
        view.set_panels([call_panel(call)._replace(body=call.result) for call in step.calls])
        offset += len(step.text)
    _feed_text(view, response.final_text, offset, response.marks)


def _feed_text(view: LiveView, text: str, offset: int, marks: Sequence[Mark]) -> None:
    """Feed a part of an answer with the marks in it."""
    inner_marks = [
        mark for mark in marks if offset <= mark.start and mark.end <= offset + len(text)
    ]
    for piece in split_at_marks(text, offset, inner_marks):
        if isinstance(piece, Panel):
            view.set_panels([piece])
        else:
            view.feed(piece)


def split_at_marks(text: str, offset: int, marks: Sequence[Mark]) -> Iterator[str | Panel]:
    """Yield a text with its marks: values in place of expressions, and panels behind blocks.

    Args:
        text: a part of the answer.
        offset: where it begins in the answer.
        marks: those in it.

    Example:
        >>> marks = [Mark(7, 15, "value", "1_0", "n"), Mark(17, 19, "number")]
        >>> "".join(split_at_marks("It is {{= n }}, 12.", 1, marks))
        'It is 1\\\\_0, <u>12</u>.'
    """
    position = 0
    for mark in sorted(marks, key=lambda mark: mark.start):
        start, end = mark.start - offset, mark.end - offset
        if mark.kind in BLOCK_KINDS:
            yield text[position:end]
            line = mark.text.replace("`", "")  # a page shows it as code
            yield Panel("", mark.detail or None, verdict=f"{SIGNS[mark.kind]} {line}")
        else:
            yield text[position:start]
            yield _render_mark(mark, text[start:end])
        position = end
    yield text[position:]


def _render_mark(mark: Mark, source: str) -> str:
    """Return what a page shows for a number or an expression."""
    if mark.kind == "number":
        return f"<u>{source}</u>"
    if mark.kind == "value":
        return _ACTING.sub(r"\\\g<0>", " ".join(mark.text.split()))
    return f"`{{{{= {mark.detail} }}}}`"


def without_underlines(frame: Frame) -> Frame:
    """Return a frame whose plain text, for programs and consoles, has no tags around numbers."""
    return replace(frame, text=_UNDERLINED.sub(r"\1", frame.text))


def mark_lines(marks: Sequence[Mark], text: str, *, is_shown: bool) -> list[str]:
    """Return lines below the answer about its marks.

    Args:
        marks: of the answer.
        text: the answer.
        is_shown: whether the page shows the marks at their places; else the lines tell all.

    Example:
        >>> mark_lines([Mark(6, 8, "number")], "It is 12.", is_shown=True)
        ['1 number is neither computed nor in what was sent: 12']
    """
    lines = [] if is_shown else [*_block_lines(marks), *_value_lines(marks)]
    failed = [mark for mark in marks if mark.kind == "no_value"]
    lines += [f"{{{{= {mark.detail} }}}} has no value: {mark.text}" for mark in failed]
    numbers = [text[mark.start : mark.end] for mark in marks if mark.kind == "number"]
    if numbers:
        count = "1 number is" if len(numbers) == 1 else f"{len(numbers)} numbers are"
        excess = f" and {len(numbers) - _MAX_LISTED} more" if len(numbers) > _MAX_LISTED else ""
        listed = ", ".join(numbers[:_MAX_LISTED])
        lines.append(f"{count} neither computed nor in what was sent: {listed}{excess}")
    return lines


def _block_lines(marks: Sequence[Mark]) -> Iterator[str]:
    blocks = [mark for mark in marks if mark.kind in BLOCK_KINDS]
    for number, mark in enumerate(blocks, 1):
        yield f"{SIGNS[mark.kind]} block {number}: {mark.text}"


def _value_lines(marks: Sequence[Mark]) -> Iterator[str]:
    for mark in marks:
        if mark.kind == "value":
            yield f"{{{{= {mark.detail} }}}} is {mark.text}"
