"""Send code to the twin, and read what came of each piece of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..describe import Level
from ..twin import Output, Run, run
from .reports import MEDIA_TYPE

_DRIVER = "from cellmage.proof.driver import play as {0}; {0}({1!r}); del {0}"
_NAME = "__cellmage_play"


@dataclass(slots=True)
class Trial:
    """One piece of code that was sent.

    Args:
        code: the code.
        report: what the twin reports of it: see `cellmage.proof.driver`; empty if it has not ended.
        printed: what it printed.
        displays: what it showed, by media types.
        has_begun: whether it was begun.
        end: why it has not ended; empty if it has.
        refused: what it would have done outside of the process, if it is the only piece.
    """

    code: str
    report: Mapping[str, Any] = field(default_factory=dict)
    printed: str = ""
    displays: list[Mapping[str, Any]] = field(default_factory=list)
    has_begun: bool = False
    end: str = ""
    refused: Sequence[str] = ()

    @property
    def error(self) -> str:
        """Why it has failed, in a line; empty if it has not."""
        return self.end or str(self.report.get("error", ""))

    @property
    def traceback(self) -> str:
        """The traceback of its error; the error alone if it has none."""
        return str(self.report.get("traceback") or self.error)


def run_trials(
    kind: str, codes: Sequence[str], seconds: float, level: Level, **further: Any
) -> list[Trial]:
    """Run code in one twin, in order, and return what came of each piece.

    Args:
        kind: ``"blocks"`` runs each as a cell, ``"values"`` evaluates each.
        codes: the pieces.
        seconds: the time for all.
        level: what may be described of tables.
        further: what the kind takes: see `cellmage.proof.driver`.

    Raises:
        TwinError: there can be no twin.
    """
    word = secrets.token_hex(16)
    job = {"word": word, "kind": kind, "codes": list(codes), "level": level, **further}
    result = run(_DRIVER.format(_NAME, json.dumps(job)), seconds=seconds, level=level)
    trials = [Trial(code) for code in codes]
    _read(trials, word, result.outputs)
    if len(trials) == 1:
        trials[0].refused = [str(action) for action in result.actions]
    for trial in trials:
        if not trial.report:
            trial.end = _why_ended(result) if trial.has_begun else "it was not begun"
    return trials


def _read(trials: Sequence[Trial], word: str, outputs: Sequence[Output]) -> None:
    """Give each output to the code that made it."""
    current: Trial | None = None
    for output in outputs:
        text = str(output.data.get(MEDIA_TYPE, ""))
        if text.startswith(word):
            report = json.loads(text.removeprefix(word))
            if "begin" in report:
                current = trials[report["begin"]]
                current.has_begun = True
            elif current is not None:
                current.report, current = report, None
        elif current is not None and output.kind in ("display", "result"):
            current.displays.append(output.data)
        elif current is not None:
            current.printed += output.text


def _why_ended(result: Run) -> str:
    return result.stopped or result.error or "it ended its process"
