"""The tool ``python``: the model runs Python on the user's data, in the twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..code_blocks import CodeBlock
from ..describe import Level
from ..describe.beside_tables import may_hold_cells
from ..errors import TwinError
from ..tools import Tool
from .blocks import list_names, why_not_run
from .trial import Trial, run_trials

NAME = "python"
SECONDS = 30.0
_MAX_NAMES = 10
_DESCRIPTION_CHARS = 2_000

_STAYS = (
    "What it printed is not sent: it may contain rows of the user's tables, which stay here. End "
    "with an expression or bind a variable: tables are described."
)

Show = Callable[[Sequence[Mapping[str, Any]], str], object]
"""Shows what the code showed, by media types, and what it printed, which the model does not get."""


@dataclass(slots=True)
class PythonTool:
    """Runs what the model writes; nothing that it does reaches the user's objects.

    Args:
        level: what may be sent of tables.
        show: shows the user what the panel of the call does not have.

    Attributes:
        codes: the code that has run without an error, in order.
    """

    level: Level
    show: Show
    codes: list[str] = field(default_factory=list)

    def tool(self) -> Tool[..., str]:
        """Return the tool, as a model calls it."""

        def python(code: str) -> str:
            """Run Python in a copy of the user's notebook, with all of its variables.

            Returns what the code prints, the value of its last expression, and the variables that
            it binds. Each call begins with the user's own variables: nothing is kept from one call
            to the next, and the user's variables and files do not change. No file is written, no
            program is started, and nothing is sent.
            """
            return self.run(code)

        return Tool(python, seconds=SECONDS + 10)

    def run(self, code: str) -> str:
        """Return what the model receives for its code."""
        if reason := why_not_run(CodeBlock.of(code, NAME)):
            return f"error: nothing was run: {reason}"
        try:
            (trial,) = run_trials("blocks", [code], SECONDS, self.level, describes=True)
        except TwinError as error:
            return f"error: nothing was run: {error}"
        if may_hold_cells(self.level):
            self.show(trial.displays, trial.printed)
        else:  # the panel has all texts
            self.show([bundle for bundle in trial.displays if set(bundle) - {"text/plain"}], "")
        if not trial.error:
            self.codes.append(code)
        return "\n".join(self._lines(trial)) or "(it printed nothing, and bound nothing)"

    def _lines(self, trial: Trial) -> Iterator[str]:
        report = trial.report
        if trial.printed.strip():
            yield _STAYS if may_hold_cells(self.level) else trial.printed.rstrip("\n")
        if report.get("value"):
            yield f"Value: {report['value']}"
        for name, text in list(report.get("descriptions", {}).items())[:_MAX_NAMES]:
            yield f"{name}: {text[:_DESCRIPTION_CHARS]}"
        if report.get("removes"):
            yield f"It removed {list_names(report['removes'])}."
        images = [bundle for bundle in trial.displays if any("image/" in kind for kind in bundle)]
        if images:
            yield f"The user sees {len(images)} image{'s' if len(images) > 1 else ''}."
        if trial.error:
            yield f"error: {report.get('told') or trial.end}"
