"""Run the code blocks of an answer in the twin, in order, and say of each what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..code_blocks import CodeBlock, place_code_blocks
from ..describe import Level
from ..errors import TwinError
from ..marks import Mark, MarkKind
from ..text import truncate
from .trial import Trial, run_trials

SECONDS = 30.0
"""The time for all blocks of an answer."""

PYTHON = ("python", "py", "python3", "ipython", "")
"""The languages of blocks that a cell runs as they are; people omit the word for Python."""

_READING = (
    "time|timeit|matplotlib|precision|who|whos|who_ls|pinfo|pinfo2|psearch|pdoc|psource|capture"
)
_ACTING_LINE = re.compile(rf"^[ \t]*(!|%%?(?!(?:{_READING})\b)[A-Za-z])", re.M)
"""A line for the shell, or a magic that may do more than read."""

Verdict = tuple[MarkKind, str, str]
"""The kind of a mark, its line, and what is below it."""

_MAX_NAMES = 5
_LINE_CHARS = 200
_DETAIL_CHARS = 20_000


def mark_blocks(
    text: str, level: Level, seconds: float = SECONDS, *, has_times: bool = True
) -> list[Mark]:
    """Return a mark for each code block of an answer.

    One twin runs all of them, so that later blocks see what earlier ones have bound. A block that
    fails does not keep later ones from running.

    Args:
        text: the answer.
        level: what may be described of tables.
        seconds: the time for all blocks.
        has_times: whether the marks say how long the blocks took, which differs in each run.
    """
    placed = place_code_blocks(text)
    reasons = [why_not_run(block) for block, _, _ in placed]
    codes = [
        str(block) for (block, _, _), reason in zip(placed, reasons, strict=True) if not reason
    ]
    try:
        trials = iter(run_trials("blocks", codes, seconds, level) if codes else [])
    except TwinError as error:
        reasons = [reason or str(error) for reason in reasons]
        trials = iter(())
    marks = []
    for (_, start, end), reason in zip(placed, reasons, strict=True):
        kind, line, detail = _not_run(reason) if reason else judge(next(trials), has_times)
        marks.append(Mark(start, end, kind, truncate(line, _LINE_CHARS), detail[:_DETAIL_CHARS]))
    return marks


def _not_run(reason: str) -> Verdict:
    return "not_run", f"not run: {reason}", ""


def why_not_run(block: CodeBlock) -> str:
    """Return why a block is not run in the twin; empty if it is.

    Example:
        >>> why_not_run(CodeBlock.of("ls", "bash")), why_not_run(CodeBlock.of("!ls", "python"))
        ('its language is bash', 'it has a line for the shell or a magic: !ls')
        >>> why_not_run(CodeBlock.of("x = 1"))
        ''
    """
    if block.language not in PYTHON:
        return f"its language is {block.language}"
    if not block.strip():
        return "it is empty"
    if match := _ACTING_LINE.search(block):
        line = block[match.start() :].strip().partition("\n")[0]
        return f"it has a line for the shell or a magic: {truncate(line, 60)}"
    return "" if block.language or _is_python(block) else "it has no language, and is no Python"


def _is_python(code: str) -> bool:
    try:
        compile(code, "<block>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def judge(trial: Trial, has_times: bool) -> Verdict:
    """Return the verdict on a piece of code: its kind, a line, and what is below it."""
    report = trial.report
    if report.get("refused"):
        return "not_run", f"not run to its end: {report['refused']}", trial.printed
    if trial.error:
        return "failed", f"failed: {first_line(trial.error)}", trial.printed + trial.traceback
    time = f" in {duration(report)}" if has_times else ""
    return "ran", f"ran{time}{effects(report)}", output_text(trial)


def output_text(trial: Trial) -> str:
    """Return what code has printed and shown, as text."""
    texts = [str(bundle.get("text/plain", "")) for bundle in trial.displays]
    return "\n".join(filter(None, [trial.printed.rstrip("\n"), *texts]))


def duration(report: Mapping[str, Any]) -> str:
    """Return the time of code.

    Example:
        >>> duration({"seconds": 0.0123}), duration({"seconds": 12.34})
        ('0.01 s', '12.3 s')
    """
    seconds = float(report["seconds"])
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def effects(report: Mapping[str, Any]) -> str:
    """Return what code binds and removes, behind a semicolon; empty if nothing.

    Example:
        >>> effects({"binds": {"a": "int", "b": "str"}, "removes": ["c"]})
        '; binds `a`, `b`; removes `c`'
    """
    parts = [("binds", list(report["binds"])), ("removes", report["removes"])]
    return "".join(f"; {verb} {list_names(names)}" for verb, names in parts if names)


def list_names(names: Sequence[str]) -> str:
    """Return names in backticks, the first few of many."""
    listed = ", ".join(f"`{name}`" for name in names[:_MAX_NAMES])
    excess = len(names) - _MAX_NAMES
    return f"{listed} and {excess} more" if excess > 0 else listed


def first_line(text: str) -> str:
    """Return the first line of a text that has one."""
    return next(filter(None, map(str.strip, text.splitlines())), "")
