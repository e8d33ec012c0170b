"""Tools that a model asks for: run between two requests, until it answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from ..engine import on_reader
from ..errors import ProviderError
from ..events import (
    Complete,
    Event,
    Fallback,
    Start,
    Status,
    Token,
    ToolCall,
    ToolResult,
)
from ..messages import Call, Request, Round, Usage
from ..tools import Tool, awaited_outcome, failure_text, outcome

ROUNDS = 10
"""How often a model may ask for tools before it must answer."""

Approve = Callable[[ToolCall], bool | Awaitable[bool]]
"""Whether a call may be made; raises `EOFError` or `NotImplementedError` where nobody can say."""


class ToolsProvider:
    """A provider that runs the tools that another one asks for, and gives it their results.

    Nothing runs before its request has come whole, and its arguments have been parsed strictly. A
    function runs on the thread that reads the stream, where that is the main one, so that it can
    be interrupted there.

    Args:
        ask: gives the events of the other provider, through its stages.
        tools: by name; the request has their schemas.
        approve: is asked before each call; None runs them all.
        safe: makes a result one that may be sent.

    Raises:
        ProviderError: of kind ``tool_limit``, when the rounds are used up.
    """

    name = "tools"

    def __init__(
        self,
        ask: Callable[[Request], AsyncGenerator[Event, None]],
        tools: Mapping[str, Tool],
        approve: Approve | None,
        safe: Callable[[str], str],
    ) -> None:
        self._ask = ask
        self._tools = tools
        self._approve = approve
        self._safe = safe

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of all rounds, as of one answer."""
        asked = request
        usage: Usage | None = Usage(0, 0)
        seen: set[str] = set()
        for number in range(ROUNDS):
            texts: list[str] = []
            calls: list[ToolCall] = []
            async with aclosing(self._ask(asked)) as events:
                async for event in events:
                    match event:
                        case ToolCall():
                            calls.append(_named(event, seen))
                            continue
                        case Complete():
                            end, usage = event, _sum(usage, event.usage)
                            continue
                        case Start() if number:
                            continue
                        case Token():
                            texts.append(event.text)
                        case ToolResult():  # of an agent that runs its tools itself
                            for call in calls:
                                yield call
                            calls.clear()
                        case Fallback():  # what another one has asked for is not run
                            calls.clear()
                            asked = _to(asked, event.model)
                    yield event
            if not calls:
                yield replace(end, usage=usage)
                return
            for call in calls:
                yield call
            done: list[Call] = []
            for call in calls:
                yield Status(f"Running {call.name}…")
                result = await self._result(call)
                yield ToolResult(call.id, call.name, result)
                done.append(Call(call.id, call.name, call.arguments, result))
            made = Round("".join(texts), tuple(done)).messages()
            asked = replace(asked, messages=(*asked.messages, *made))
            yield Status("")
        raise ProviderError(
            f"the model still asked for tools after {ROUNDS} rounds; it was stopped",
            kind="tool_limit",
        )

    async def _result(self, call: ToolCall) -> str:
        """What the model is told: the result, or why there is none."""
        tool = self._tools.get(call.name)
        if tool is None:
            return f"error: there is no tool {call.name!r}, only {', '.join(self._tools)}"
        try:
            made = tool.prepared(call.arguments)
        except ValueError as error:
            return f"error: {error}; nothing was run"
        return await self._refusal(call) or await self._run(tool, made)

    async def _run(self, tool: Tool, made: Callable[[], Any]) -> str:
        try:
            if not tool.is_async:
                return await on_reader(partial(outcome, made, self._safe), tool.seconds)
            async with asyncio.timeout(tool.seconds):
                return await awaited_outcome(made, self._safe)
        except TimeoutError:
            return (
                f"error: no result within {tool.seconds:g} s; what it was doing may be done in "
                "part, or still go on"
            )

    async def _refusal(self, call: ToolCall) -> str:
        """Why a call may not be made; empty where it may."""
        if self._approve is None:
            return ""
        try:
            answer: Any = await on_reader(partial(self._approve, call))
            is_allowed = await answer if inspect.isawaitable(answer) else answer
        except (EOFError, NotImplementedError):
            return "refused: nobody to ask"
        except Exception as error:  # noqa: BLE001 - any function may approve; told, and not run
            return f"refused: whether it may be run could not be said; {failure_text(error)}"
        return "" if is_allowed is True else "refused by the user"


def _to(request: Request, model: str) -> Request:
    """The same, asked first of the model that answers for those before it."""
    return replace(request, options=replace(request.options, model=model))


def _named(call: ToolCall, seen: set[str]) -> ToolCall:
    """The call with an id of its own; some servers give none, or one to all."""
    if not call.id or call.id in seen:
        call = replace(call, id=uuid4().hex[:9])  # Mistral takes nine letters and digits only
    seen.add(call.id)
    return call


def _sum(before: Usage | None, now: Usage | None) -> Usage | None:
    """Tokens of several requests; what one of them did not count is not known."""
    if before is None or now is None:
        return None

    def both(a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else a + b

    return Usage(
        both(before.input_tokens, now.input_tokens),
        both(before.output_tokens, now.output_tokens),
        both(before.cached_tokens or 0, now.cached_tokens) if now.cached_tokens else None,
    )
