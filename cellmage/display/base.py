"""Where frames go: a notebook page, a terminal, a pipe, or a record that nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .parts import Frame

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer, as a surface shows it.

    Args:
        last: the last frames.
        whole: the text in one piece.
        metadata: what made it, for the notebook's file.
        notices: what the reader should be told about it.
        sources: what was found for it: titles and places, numbered from 1.
    """

    last: Sequence[Frame]
    whole: Frame
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
    sources: Sequence[tuple[str, str]] = ()


class Surface(Protocol):
    """Shows the frames of one answer."""

    is_live: bool
    """Whether there is anyone to see the text before its end."""

    def is_full(self, settled: int, before: int, number: int) -> bool:
        """When a part is frozen: see `cellmage.display.live.fill_parts`."""
        ...

    def show(self, frames: Iterable[Frame]) -> None:
        """Show frames, each in place of the one before it of its part."""
        ...

    def finish(self, ending: Ending) -> None:
        """Show the end, and what the reader should be told about it."""
        ...


def surface_for(
    shell: InteractiveShell | None, *, answer_id: str = "", owns_cell: bool = False
) -> Surface:
    """The surface that the running code writes to.

    Args:
        shell: the shell that runs the cell; None in a program.
        answer_id: names the answer in the notebook's file.
        owns_cell: whether the answer is all that the cell will ever show.
    """
    if shell is None or not (hasattr(shell, "kernel") or is_captured(shell)):
        from .terminal import terminal  # noqa: PLC0415 - rich, which a notebook does not need

        return terminal(sys.stdout)
    from .notebook import Notebook, Record  # noqa: PLC0415 - IPython, which a program may not have

    if is_captured(shell) or not is_watched(shell):
        return Record()
    return Notebook(answer_id, owns_cell)


def is_captured(shell: InteractiveShell) -> bool:
    """Whether ``%%capture`` or the like takes what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher  # noqa: PLC0415

    return isinstance(shell.display_pub, CapturingDisplayPublisher)


def is_watched(shell: InteractiveShell) -> bool:
    """Whether someone may be looking: nbclient, nbval, papermill and Voila send no stdin."""
    return execute_request(shell).get("content", {}).get("allow_stdin") is not False


def execute_request(shell: InteractiveShell) -> dict[str, Any]:
    """The message that asked for the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}
