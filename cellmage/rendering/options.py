"""Options of the renderers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..display.base import Display
from ..markdown.safe import SafeMarkdown


def keep_option(text: str, option: str) -> str:
    """Return a message as it is, with the name of the option in backquotes, as Python has it."""
    return text


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Options of `AnswerRenderer` and `ComparisonRenderer`.

    Args:
        image_hosts: hosts whose images the page may load.
        stats: True for a line under the answer with its speed, length and cost.
        make_parser: for an answer that is a value: see `cellmage.display.tables.LiveTable`.
        spell_option: takes a message and the option that it names in backquotes, and returns the
            message with the option as the user types it: see `cellmage.errors.spell_option`.
    """

    image_hosts: Collection[str] = ()
    stats: bool = False
    make_parser: Callable[[], Callable[[str], Any]] | None = None
    spell_option: Callable[[str, str], str] = keep_option

    def sanitizer(self, display: Display) -> Callable[[str], SafeMarkdown]:
        """Return the display's function that makes markdown harmless, with the allowed hosts."""
        return partial(display.sanitize, image_hosts=self.image_hosts)

    def spell(self, message: str, option: str | None) -> str:
        """Return a message with its option, if it names one, as the user types it."""
        return self.spell_option(message, option) if option else message
