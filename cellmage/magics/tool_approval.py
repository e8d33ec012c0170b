"""How the user is asked about tool calls: by buttons where they act in mid-cell, else by a line."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from ..approvals import CELL_TOOLS, ask_user
from ..display.select import is_captured, is_interactive
from ..events import ToolCall
from ..widgets.approval_card import ApprovalCards, Decision
from ..widgets.subshells import ButtonSupport


class ToolApproval:
    """Asks the user of one shell.

    Args:
        shell: where the cells run.

    Attributes:
        allowed: the names of the tools that are allowed; those of `CELL_TOOLS` until the running
            cell ends.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._cards = ApprovalCards()
        self.allowed = self._cards.allowed
        self.buttons = ButtonSupport(shell)

    def __call__(self, call: ToolCall) -> Decision:
        """Return whether a call may run: see `cellmage.pipeline.tools.Approve`.

        Raises:
            EOFError: there is nobody to ask.
            NotImplementedError: the same, from the ``input`` of a Jupyter kernel.
        """
        is_watched = is_interactive(self._shell) and not is_captured(self._shell)
        if is_watched and self.buttons.is_there():
            return self._cards(call)
        return call.name in self.allowed or ask_user(call, self.allowed)

    def end_cell(self) -> None:
        """Ask again in the next cell about the tools that are allowed for one cell."""
        self.allowed -= CELL_TOOLS

    def refuse(self) -> None:
        """Refuse the calls that wait for the user."""
        self._cards.refuse()

    def close(self) -> None:
        """Close the hidden widget that shows whether buttons act."""
        self.buttons.stop()
