"""Where frames go: a notebook page, a terminal, a pipe, or a record that nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .parts import Frame

if TYPE_CHECKING:
    pass


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
