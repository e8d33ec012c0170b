"""Tools that a model asks for: run between two requests, until it answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from ..errors import ProviderError
from ..events import Complete, Event, Fallback, Start, Status, Token, ToolCall, ToolResult
from ..messages import Request, ToolInvocation, ToolStep, Usage
from ..runtime.loop import on_reader
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
        asked, replies = request, list[_Reply]()
        for _ in range(ROUNDS):
            reply = _Reply(replies)
            replies.append(reply)
            async with aclosing(self._ask(asked)) as events:
                async for event in events:
                    for each in reply.take(event):
                        yield each
            if not reply.calls:
                if reply.end is not None:
                    yield replace(reply.end, usage=_total([each.end for each in replies]))
                return
            for call in reply.calls:
                yield call
            done: list[ToolInvocation] = []
            for call in reply.calls:
                yield Status(f"Running {call.name}…")
                result = await self._result(call)
                yield ToolResult(call.id, call.name, result)
                done.append(ToolInvocation(call.id, call.name, call.arguments, result))
            yield Status("")
            asked = reply.answered(asked, done)
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


class _Reply:
    """What comes back for one request: what is passed on of it, and what is asked for; pure.

    Args:
        before: the replies of the rounds before it.
    """

    def __init__(self, before: Sequence[_Reply]) -> None:
        self.calls: list[ToolCall] = []
        self.end: Complete | None = None
        self._is_first = not before
        self._seen = {call.id for each in before for call in each.calls}
        self._texts: list[str] = []
        self._model = ""

    def take(self, event: Event) -> list[Event]:
        """The events to pass on."""
        match event:
            case ToolCall():
                self.calls.append(self._named(event))
                return []
            case Complete():
                self.end = event
                return []
            case Start() if not self._is_first:
                return []
            case ToolResult():  # of an agent that runs its tools itself
                own, self.calls = self.calls, []
                return [*own, event]
            case Fallback():  # what another model has asked for is not run
                self.calls, self._model = [], event.model
            case Token():
                self._texts.append(event.text)
        return [event]

    def answered(self, request: Request, done: Sequence[ToolInvocation]) -> Request:
        """The next request: with the results, and first to the model that has answered."""
        made = ToolStep("".join(self._texts), tuple(done)).messages()
        options = request.options
        if self._model:
            options = replace(options, model=self._model)
        return replace(request, options=options, messages=(*request.messages, *made))

    def _named(self, call: ToolCall) -> ToolCall:
        """The call with an id of its own; some servers give none, or one to all."""
        if not call.id or call.id in self._seen:
            call = replace(call, id=uuid4().hex[:9])  # Mistral takes nine letters and digits only
        self._seen.add(call.id)
        return call


def _total(ends: Sequence[Complete | None]) -> Usage | None:
    """Tokens of several requests; what one of them did not count is not known."""
    counts = [end.usage for end in ends if end is not None and end.usage is not None]
    if len(counts) < len(ends):
        return None

    def total(numbers: list[int | None]) -> int | None:
        known = [number for number in numbers if number is not None]
        return sum(known) if len(known) == len(numbers) else None

    return Usage(
        total([each.input_tokens for each in counts]),
        total([each.output_tokens for each in counts]),
        sum(each.cached_tokens or 0 for each in counts) or None,
    )
