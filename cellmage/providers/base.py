"""What a provider is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from ..events import Event
from ..messages import Request


class Provider(Protocol):
    """Answers requests. Holds no state of a call, so that answers may run side by side."""

    @property
    def name(self) -> str:
        """The name that the reader knows it by."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer: `Start` first, `Complete` last, or a `CellmageError`."""
        ...
