"""Prove that a fixed cell works: it is run in the twin before anybody sees it.

A fix is proven if it ends without an error, changes no value that was bound before but for those
that the cell binds or changes, and binds what the failed cell would have bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..code_blocks import CodeBlock, find_code_blocks
from ..describe import Level
from ..errors import TwinError
from ..text import truncate
from .blocks import PYTHON, duration, effects, first_line, list_names, output_text, why_not_run
from .cell_names import CellNames
from .trial import Trial, run_trials

SECONDS = 30.0
"""The time that a fixed cell may take."""

TRIES = 3
_NOTE_CHARS = 120

PROMPT = (
    "Your code does not work: {} Write the whole cell again, corrected, as one code block of "
    "Python. Handle no error by hiding it, and change no other values."
)
"""What the model is asked after a fix that is not proven."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known about a fixed cell.

    Args:
        code: the fixed cell; empty if the answer has none.
        is_proven: whether it works.
        line: what came of it, for the user.
        detail: its traceback, or what it has printed.
        message: what is wrong, for the model; empty if nothing is.
        was_run: False if there can be no twin here.
    """

    code: str
    is_proven: bool
    line: str
    detail: str = ""
    message: str = ""
    was_run: bool = True


@dataclass(slots=True)
class Fixer:
    """Proves the fixes of one failed cell; each once.

    Args:
        source: the text of the failed cell.
        level: what the model may be told of tables.
        seconds: the time that a fixed cell may take.
        has_times: whether proofs say how long the cells took, which differs in each run.
    """

    source: str
    level: Level
    seconds: float = SECONDS
    has_times: bool = True
    _proofs: dict[str, Proof] = field(default_factory=dict)

    def problem(self, text: str) -> str:
        """Return what is wrong with the code of an answer, for the model; empty if it is proven."""
        return self.prove(text).message

    def prove(self, text: str) -> Proof:
        """Return what is known about the fixed cell that an answer contains."""
        code = select_fix(find_code_blocks(text))
        if code not in self._proofs:
            self._proofs[code] = self._prove(code)
        return self._proofs[code]

    def _prove(self, code: str) -> Proof:
        if not code.strip():
            return _unproven(code, "the answer has no code", "There is no code block of Python.")
        if reason := why_not_run(CodeBlock.of(code, "python")):
            return Proof(code, False, reason, was_run=False)
        try:
            (trial,) = run_trials(
                "blocks", [code], self.seconds, self.level, compares=True, **self._names_for(code)
            )
        except TwinError as error:
            return Proof(code, False, str(error), was_run=False)
        return self._judge(code, trial)

    def _names_for(self, code: str) -> dict[str, list[str]]:
        """Return the names that the cell must bind; it does not find their old values, if it reads
        none of them: else nobody could tell whether it has bound them.
        """
        expected = frozenset[str]().union(*CellNames.of(self.source).always)
        return {
            "expected": sorted(expected),
            "forgets": sorted(expected - CellNames.of(code).read),
        }

    def _judge(self, code: str, trial: Trial) -> Proof:
        report = trial.report
        if report.get("refused"):
            return Proof(code, False, str(report["refused"]), trial.traceback, was_run=False)
        if trial.error:
            message = str(report.get("told") or trial.end)
            return _unproven(code, first_line(trial.error), f"{message.strip()}\n", trial.traceback)
        if problem := self._problem_of(code, report):
            return _unproven(code, problem, f"{problem}.", output_text(trial))
        not_compared = [n for n in report["unknown"] if n in CellNames.of(code).read]
        note = f"; not compared: {list_names(not_compared)}" if not_compared else ""
        if trial.refused:  # the cell has caught the error
            note += f"; not done there: {truncate(', '.join(trial.refused), _NOTE_CHARS)}"
        time = f" in {duration(report)}" if self.has_times else ""
        line = f"ran in the twin{time}{effects(report)}{note}"
        return Proof(code, True, line, output_text(trial))

    def _problem_of(self, code: str, report: Mapping[str, Any]) -> str:
        """Return why a cell that ran is not proven."""
        failed, fixed = CellNames.of(self.source), CellNames.of(code)
        allowed = failed.touched | fixed.bound
        patched = [name for name in report["modules"] if name in fixed.patched]
        changed = [name for name in (*report["changes"], *patched) if name not in allowed]
        removed = [name for name in report["removes"] if name not in failed.bound]
        unbound = set(report["unbound"])
        missing = [
            name
            for group in failed.always  # a fix may unpack a value into other names
            if not group & fixed.bound - unbound
            for name in sorted(group)
        ]
        checks: Sequence[tuple[Sequence[str], str]] = (
            (changed, "it changes {}, which the cell did not"),
            (removed, "it removes {}"),
            (missing, "it does not bind {}, which the cell binds"),
        )
        for names, problem in checks:
            if names:
                return problem.format(list_names(names))
        hides = fixed.quiet_handlers > failed.quiet_handlers
        return "it hides the error in a handler that does nothing" if hides else ""


def _unproven(code: str, line: str, message: str, detail: str = "") -> Proof:
    return Proof(code, False, line, detail, message)


def select_fix(blocks: Sequence[CodeBlock]) -> str:
    """Return the fixed cell of an answer: its last block of Python; empty if it has none.

    Example:
        >>> select_fix([CodeBlock.of("a", "python"), CodeBlock.of("b"), CodeBlock.of("ls", "sh")])
        'a'
    """
    python = [block for block in blocks if block.language in PYTHON and block.strip()]
    tagged = [block for block in python if block.language]
    return "\n".join((tagged or python)[-1:]).strip("\n")
