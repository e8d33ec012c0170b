"""The stage next to a provider, which may be a plugin: anything but an event ends the answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import replace
from typing import Any, TypeVar, get_args

from ..errors import ProtocolError, ProviderError
from ..events import Complete, Event, ProviderState, Reasoning, Token
from ..messages import Request
from ..providers.base import Provider
from ..text import excerpt
from .provider_state import drop_foreign_state

T = TypeVar("T")

_EVENTS = get_args(Event)
_END = object()


async def ask_provider(provider: Provider, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of a provider up to its `Complete`.

    Raises:
        ProviderError: the provider returned no async generator, wanted to end this program, or
            failed at its end.
        ProtocolError: it yielded something else than an event.
        Exception: any other error of the provider, with its own traceback.
    """
    model = request.options.model or ""
    async with _Answer(provider, drop_foreign_state(request, provider.name)) as answer:
        while (event := await answer.read()) is not None:
            if isinstance(event, ProviderState):
                event = replace(event, provider=provider.name, model=model)
            yield event
            if isinstance(event, Complete):
                return


class _Answer:
    """One answer of a provider: opened, read and closed, with one rule for what it raises."""

    def __init__(self, provider: Provider, request: Request) -> None:
        self._provider = provider
        self._request = request

    async def __aenter__(self) -> _Answer:
        self._events: AsyncGenerator[Any, None] = await self._run(self._open())
        return self

    async def __aexit__(self, error_type: type[BaseException] | None, *exc: object) -> None:
        try:
            await self._run(self._close())
        except ProviderError:
            # The first error says more, and a stop of the user is no error.
            if error_type is None:
                raise

    async def _open(self) -> AsyncGenerator[Any, None]:
        events: Any = self._provider.stream(self._request)
        if hasattr(events, "__anext__") and hasattr(events, "aclose"):
            return events  # type: ignore[no-any-return]
        if inspect.iscoroutine(events):
            events.close()
        raise ProviderError(
            f"the provider {self._provider.name} returned a {type(events).__name__} in place of "
            "events; write its method stream as 'async def' with 'yield'"
        )

    async def read(self) -> Event | None:
        """Return the next event; None at the end."""
        event = await self._run(self._next())
        is_text = isinstance(getattr(event, "text", ""), str)
        if event is _END:
            return None
        if not isinstance(event, _EVENTS) or (isinstance(event, Token | Reasoning) and not is_text):
            raise ProtocolError(
                f"the provider {self._provider.name} yielded a {type(event).__name__} that is no "
                "event; an event is a Start, a Token with a text, or a Complete"
            )
        return event  # type: ignore[no-any-return]

    async def _next(self) -> Any:
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            return _END

    async def _close(self) -> None:
        try:
            await self._events.aclose()
        except Exception as error:
            message = f"the provider {self._provider.name} failed at its end: {_describe(error)}"
            raise ProviderError(message) from error

    async def _run(self, step: Awaitable[T]) -> T:
        """Await a step, and raise our own error for what would end more than this answer.

        SystemExit and KeyboardInterrupt would end the event loop that all answers share;
        GeneratorExit and CancelledError would look like a stop of the user.
        """
        task = _current_task()
        try:
            return await step
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
            # Python closes a coroutine whose event loop is gone, outside its task.
            if isinstance(error, GeneratorExit) and _current_task() is not task:
                raise
            problem = f"raised {_describe(error)}"
        except asyncio.CancelledError:
            if _is_stopping():
                raise
            problem = "was cancelled from within"
        raise ProviderError(f"the provider {self._provider.name} {problem}")


def _describe(error: BaseException) -> str:
    """Return an exception in one line: its class, and its message if it has one."""
    text = excerpt(" ".join(str(error).split()))
    return ": ".join(filter(None, (type(error).__name__, text)))


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


def _is_stopping() -> bool:
    """Return whether this task is being cancelled from outside."""
    task = _current_task()
    return bool(task and task.cancelling())
