"""What a provider is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class ModelLister(Protocol):
    """A provider that can say what it offers."""

    name: str

    async def models(self) -> list[str]:
        """The names of its models, in order.

        Raises:
            CellmageError: it did not say.
        """
        ...
