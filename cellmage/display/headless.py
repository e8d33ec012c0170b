"""One display at the end, where nobody watches."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Ending
from .parts import Frame, fill_parts
from .publish import publish_frame, publish_notices, publish_sources


class Record:
    """One display at the end: nothing is animated where nobody watches."""

    is_live = False
    is_full = staticmethod(fill_parts)

    def show(self, frames: Iterable[Frame]) -> None:
        """Show nothing yet."""

    def finish(self, ending: Ending) -> None:
        """Publish the answer, and the notices under it."""
        if ending.whole.markdown:
            publish_frame(ending.whole, ending.metadata)
        publish_sources(ending.sources)
        publish_notices(ending.notices)
