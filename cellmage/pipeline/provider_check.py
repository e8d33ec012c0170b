"""The stage next to a provider, which may be a plugin: what is no event ends the answer at once."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, get_args

from ..errors import ProtocolError, ProviderError
from ..events import Complete, Event, Reasoning, Token
from ..messages import Request
from ..providers.base import Provider

_EVENTS = get_args(Event)


async def ask_provider(provider: Provider, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of a provider up to its `Complete`.

    Raises:
        ProviderError: the provider returned no async generator, or wanted to end this program.
        ProtocolError: it yielded something that is no event.
    """
    async with aclosing(_open(provider, request)) as events:
        while True:
            event = await _next(provider, events)
            if event is None:
                return
            yield event
            if isinstance(event, Complete):
                return


def _open(provider: Provider, request: Request) -> AsyncGenerator[Any, None]:
    events: Any = provider.stream(request)
    if hasattr(events, "__anext__") and hasattr(events, "aclose"):
        return events  # type: ignore[no-any-return]
    if inspect.iscoroutine(events):
        events.close()
    raise ProviderError(
        f"the provider {provider.name} returned a {type(events).__name__} in place of events; "
        "write its method stream as 'async def' with 'yield'"
    )


async def _next(provider: Provider, events: AsyncGenerator[Any, None]) -> Event | None:
    """Return the next event; None at the end."""
    try:
        event = await anext(events)
    except StopAsyncIteration:
        return None
    except asyncio.CancelledError:
        raise
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        # Each of them would end the event loop that all answers share, or look like a stop.
        name = type(error).__name__
        raise ProviderError(f"the provider {provider.name} raised {name}") from None
    is_text = isinstance(getattr(event, "text", ""), str)
    if not isinstance(event, _EVENTS) or (isinstance(event, Token | Reasoning) and not is_text):
        with suppress(Exception):
            await events.aclose()
        raise ProtocolError(
            f"the provider {provider.name} yielded a {type(event).__name__} that is no event; "
            "an event is a Start, a Token with a text, or a Complete"
        )
    return event  # type: ignore[no-any-return]
