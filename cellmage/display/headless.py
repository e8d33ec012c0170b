"""One output at the end, for runs that nobody watches."""

from __future__ import annotations

from collections.abc import Iterable

from ..markdown.sanitize import sanitize
from .base import FinalOutput, Frame
from .outputs import publish_footer, publish_frame
from .panels import panels_html
from .parts import freeze_by_size


class HeadlessDisplay:
    """Publish the complete answer once; nothing is animated where nobody watches."""

    is_live = False
    can_replace = True
    sanitize = staticmethod(sanitize)
    write_panels = staticmethod(panels_html)
    should_freeze = staticmethod(freeze_by_size)

    def show(self, frames: Iterable[Frame]) -> None:
        """Ignore frames before the end."""

    def restart(self) -> None:
        """Remove nothing: nothing was shown."""

    def finish(self, final: FinalOutput) -> None:
        """Publish the answer, and its sources and notices below it."""
        if final.complete_frame.markdown:
            publish_frame(final.complete_frame, {**final.metadata, "of": 1})
        publish_footer(final)
