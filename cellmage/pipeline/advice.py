"""Add advice to the error of an answer that nothing else can save."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..errors import CellmageError
from ..events import Event
from ..messages import Request
from ..providers.base import Adviser, Provider
from .base import Ask


async def advise_user(
    provider: Provider, ask: Ask, request: Request
) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer; its provider may add to an error what to type instead.

    Args:
        provider: who answers. The advice may take a request to its server, so this stage is there
            only where no further model will be asked.
        ask, request: as in every stage.

    Raises:
        CellmageError: as `ask`, with the advice in the message.
    """
    async with aclosing(ask(request)) as events:
        try:
            async for event in events:
                yield event
        except CellmageError as error:
            if isinstance(provider, Adviser):
                await provider.advise(error)
            raise
