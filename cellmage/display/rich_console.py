"""A console of rich that passes on no control character but its own."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ..text import join_surrogates, strip_control_chars


class RichConsole(Console):
    """A console in which only styles and the cursor moves of rich itself act on the terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of what is printed; text has no control characters."""
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield segment._replace(text=join_surrogates(strip_control_chars(segment.text)))
