"""What a prompt has run in the twin: ``--tool python``, ``--verify``, ``--live-numbers``, fixes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from ..code_blocks import CodeBlock
from ..display.select import is_interactive
from ..marks import Mark
from ..messages import Response
from ..pipeline.redact import redact_text
from ..pipeline.repair import Repair
from .code_out import PYTHON, CodeCells
from .executed_cells import CellError
from .frontend import print_line
from .lookup import PYTHON_TOOL

if TYPE_CHECKING:
    from ..proof.fix import Fixer
    from ..proof.python_tool import PythonTool


@dataclass(slots=True)
class Proofs:
    """What the answer to one prompt is checked by.

    Args:
        shell: where the cells run.
        args: the flags of the prompt.
        level: what may be sent of tables.
        failure: the failed cell, if a fix of it is asked for.
    """

    shell: InteractiveShell
    args: Namespace
    level: Any
    failure: CellError | None = None
    _tool: PythonTool | None = field(default=None, init=False)
    _fixer: Fixer | None = field(default=None, init=False)

    @property
    def _has_times(self) -> bool:
        """Whether somebody may be watching: times would change the file of an unattended run."""
        return is_interactive(self.shell)

    @property
    def instructions(self) -> str:
        """What is added to the system prompt."""
        if not self.args.live_numbers:
            return ""
        from ..proof.figures import INSTRUCTIONS  # noqa: PLC0415 - no other prompt needs it

        return INSTRUCTIONS

    def with_tool(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the variables, with the built-in tool if it is asked for."""
        if PYTHON_TOOL not in (self.args.tool or ()) or PYTHON_TOOL in variables:
            return variables
        from ..proof.python_tool import PythonTool  # noqa: PLC0415 - as above

        self._tool = PythonTool(self.level, self._show)
        return {**variables, PYTHON_TOOL: self._tool.tool()}

    def _show(self, displays: Sequence[Mapping[str, Any]], printed: str) -> None:
        """Show what the code of the model shows, also what the model does not get to see."""
        if printed.strip():
            print_line(printed.rstrip("\n"))
        for bundle in displays:
            self.shell.display_pub.publish(dict(bundle))

    def stream_arguments(self) -> dict[str, Any]:
        """Return the arguments of `Conversation.stream` that check the answer."""
        arguments: dict[str, Any] = {}
        if self.args.verify or self.args.live_numbers:
            arguments["find_marks"] = self._find_marks
        if self.failure is not None:
            from ..proof.fix import PROMPT, TRIES, Fixer  # noqa: PLC0415 - as above

            self._fixer = Fixer(self.failure.source, self.level, has_times=self._has_times)
            arguments["check"] = Repair(self._problem, TRIES - 1, PROMPT)
        return arguments

    def _problem(self, text: str) -> str:
        """Return what is wrong with a fix, as it may be sent."""
        return redact_text(self._fixer.problem(text)) if self._fixer else ""

    def _find_marks(self, text: str, sent: Sequence[str]) -> list[Mark]:
        from ..proof.blocks import mark_blocks  # noqa: PLC0415 - as above
        from ..proof.figures import mark_figures  # noqa: PLC0415

        marks = mark_blocks(text, self.level, has_times=self._has_times) if self.args.verify else []
        if self.args.live_numbers:
            marks += mark_figures(text, sent, self.shell.user_ns, self.level)
        return marks

    def offer(self, response: Response, cells: CodeCells) -> None:
        """Put the code of an answer into the next cell, or a fix where it belongs."""
        if self._fixer is not None and self.failure is not None:
            if response.incomplete_reason is None:
                from .fix_report import report_fix  # noqa: PLC0415 - as above

                proof = self._fixer.prove(response.final_text)
                report_fix(proof, self.failure, cells, in_place=self.args.in_place)
        elif self.args.code is not None:
            cells.add(self._blocks(response), self.args.code)

    def _blocks(self, response: Response) -> list[CodeBlock]:
        """Return the blocks of an answer; without one of Python, what the model has run last."""
        blocks = response.code
        ran = self._tool.codes if self._tool else []
        if ran and not any(block.language in PYTHON for block in blocks):
            return [*blocks, CodeBlock.of(ran[-1], PYTHON_TOOL)]
        return blocks
