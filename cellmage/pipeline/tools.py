"""Run the tools that a model calls, and send it their results, until it answers.

Tools run on the consumer's thread where that is the main thread of a notebook, so they can prompt,
plot and be interrupted; the stage awaits each result on the loop's thread.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from ..approvals import ask_user
from ..arguments import Kind, check
from ..errors import ProviderError
from ..events import (
    Complete,
    Event,
    Fallback,
    ProviderState,
    Reclassification,
    Start,
    Status,
    Token,
    ToolCall,
    ToolResult,
)
from ..messages import Request, ToolInvocation, ToolStep, Usage
from ..runtime.sync_stream import run_on_consumer
from ..text import excerpt
from ..tool_progress import run_with_reports
from ..tool_requests import match_tool, normalize_arguments
from ..tool_results import format_error, run_tool, run_tool_async
from ..tools import Tool
from .base import Ask
from .redact import redact_text

MAX_STEPS = 10
"""How often a model may call tools before it must answer."""

Approve = Callable[[ToolCall], bool | str | Awaitable[bool | str]]
"""Decides about a call: True runs it, a text is the reason for the model why it does not run.

Raises `EOFError` or `NotImplementedError` if there is nobody to ask.
"""

Approval = Approve | Literal["ask", "always", "never"]

_APPROVALS: Mapping[Any, Approve] = {
    "ask": ask_user,
    "always": lambda call: True,
    "never": lambda call: False,
}


_APPROVAL = Kind(
    'one of "ask", "always", "never", or a function of the call',
    lambda approve: approve if callable(approve) else _APPROVALS[approve],
)


def approval_function(approve: Approval) -> Approve:
    """Return the function that decides about tool calls.

    Args:
        approve: ``"ask"`` asks the user at the keyboard, ``"always"`` runs every call, ``"never"``
            runs none; a function decides about each call.

    Raises:
        UsageError: it is none of these; None never means yes.
    """
    decide: Approve = check("approve", approve, _APPROVAL)
    return decide


def run_tools(
    tools: Mapping[str, Tool[..., Any]], approve: Approve, ask: Ask, request: Request
) -> AsyncGenerator[Event, None]:
    """Yield the events of all steps, as of one answer; without tools, those of the answer.

    Nothing runs before its call has arrived completely and its arguments have been parsed.

    Args:
        tools: the tools by name; the request has their schemas.
        approve: decides about each call before it runs.
        ask: sends a request.
        request: the first request.

    Raises:
        ProviderError: the model still called tools after `MAX_STEPS` steps; its kind is
            ``tool_limit``.
    """
    return _run_tools(_Runner(tools, approve), ask, request) if tools else ask(request)


async def _run_tools(runner: _Runner, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    steps: list[_StepCollector] = []
    for _ in range(MAX_STEPS):
        step = _StepCollector(steps)
        steps.append(step)
        async with aclosing(ask(request)) as events:
            async for event in events:
                for collected in step.feed(event):
                    yield collected
        if not step.calls:
            if step.end is not None:
                yield replace(step.end, usage=sum_usage([other.end for other in steps]))
            return
        calls = [runner.as_meant(call) for call in step.calls]
        for call in calls:
            yield call
        invocations: list[ToolInvocation] = []
        for call in calls:
            yield Status(f"Running {excerpt(call.name)}…")
            result = ""
            async with aclosing(run_with_reports(runner.result(call))) as reports:
                async for report in reports:
                    match report:
                        case str():
                            result = report
                        case Status():
                            yield replace(report, call_id=call.id)
                        case _:
                            yield report
            yield ToolResult(call.id, call.name, result)
            invocations.append(ToolInvocation(call.id, call.name, call.arguments, result))
        yield Status("")
        request = step.next_request(request, invocations)
    raise ProviderError(
        f"the model still called tools after {MAX_STEPS} steps; it was stopped", kind="tool_limit"
    )


class _Runner:
    """Runs calls: finds the tool, checks the arguments, asks for approval."""

    def __init__(self, tools: Mapping[str, Tool[..., Any]], approve: Approve) -> None:
        self._tools = tools
        self._approve = approve

    def as_meant(self, call: ToolCall) -> ToolCall:
        """Return a call with the name and the arguments that the model means, if that is certain.

        The page, the history and the model's next request have this call.
        """
        name = match_tool(call.name, self._tools)
        return replace(call, name=name, arguments=normalize_arguments(call.arguments))

    async def result(self, call: ToolCall) -> str:
        """Return the text that the model receives: the result, or why there is none."""
        tool = self._tools.get(call.name)
        if tool is None:
            return f"error: there is no tool {excerpt(call.name)!r}, only {', '.join(self._tools)}"
        try:
            function = tool.bind(call.arguments)
        except ValueError as error:
            return f"error: {error}; nothing was run"
        return await self._why_refused(call) or await self._run(tool, function)

    async def _run(self, tool: Tool[..., Any], function: Callable[[], Any]) -> str:
        try:
            if not tool.is_async:
                return await run_on_consumer(partial(run_tool, function, redact_text), tool.seconds)
            async with asyncio.timeout(tool.seconds):
                return await run_tool_async(function, redact_text)
        except TimeoutError:
            return (
                f"error: no result within {tool.seconds:g} s; the tool may have done a part of its "
                "work, or may still be running"
            )

    async def _why_refused(self, call: ToolCall) -> str:
        """Return why a call may not run; empty if it may."""
        try:
            answer: Any = await run_on_consumer(partial(self._approve, call))
            is_allowed = await answer if inspect.isawaitable(answer) else answer
        except (EOFError, NotImplementedError):
            return "refused: nobody to ask"
        except Exception as error:  # noqa: BLE001 - any function may approve; reported, and not run
            return f"refused: the approval function failed; {format_error(error)}"
        if isinstance(is_allowed, str) and is_allowed.strip():
            return f"refused by the user: {is_allowed.strip()}"
        # Only True itself allows: a function that forgets to return must not run anything.
        return "" if is_allowed is True else "refused by the user"


class _StepCollector:
    """Collects the events of one request: those to pass on, and the tool calls. Pure.

    Args:
        previous: the collectors of the steps before this one.
    """

    def __init__(self, previous: Sequence[_StepCollector]) -> None:
        self.calls: list[ToolCall] = []
        self.end: Complete | None = None
        self._is_first = not previous
        self._ids = {call.id for step in previous for call in step.calls}
        self._texts: list[str] = []
        self._state: list[ProviderState] = []
        self._model = ""

    def feed(self, event: Event) -> list[Event]:
        """Take an event, and return the events to pass on."""
        match event:
            case ToolCall():
                self.calls.append(self._with_unique_id(event))
                return []
            case Complete():
                self.end = event
                return []
            case Start() if not self._is_first:
                return []
            case ToolResult():  # from an agent that runs its tools itself
                calls, self.calls = self.calls, []
                return [*calls, event]
            case Fallback():  # calls of a model that failed are not run
                self.calls, self._state, self._model = [], [], event.model
            case ProviderState():
                self._state.append(event)
            case Token():
                self._texts.append(event.text)
            case Reclassification():
                self._texts.clear()
        return [event]

    def next_request(self, request: Request, invocations: Sequence[ToolInvocation]) -> Request:
        """Return the request with the results; it goes first to the model that called the tools."""
        step = ToolStep("".join(self._texts), tuple(invocations), tuple(self._state))
        options = request.options
        if self._model:
            options = replace(options, model=self._model)
        messages = (*request.messages, *step.messages())
        return replace(request, options=options, messages=messages, notices=())

    def _with_unique_id(self, call: ToolCall) -> ToolCall:
        """Return the call with an id of its own: some servers send none, or one id for all."""
        if not call.id or call.id in self._ids:
            # Mistral accepts ids of exactly nine letters and digits.
            call = replace(call, id=uuid4().hex[:9])
        self._ids.add(call.id)
        return call


def sum_usage(ends: Sequence[Complete | None]) -> Usage | None:
    """Return the tokens of several requests; None for what one of them did not count."""
    usages = [end.usage for end in ends if end is not None and end.usage is not None]
    if len(usages) < len(ends):
        return None
    return Usage(
        _sum_counts([usage.input_tokens for usage in usages]),
        _sum_counts([usage.output_tokens for usage in usages]),
        *(
            sum(getattr(usage, name) or 0 for usage in usages) or None
            for name in ("cached_tokens", "reasoning_tokens", "cache_write_tokens")
        ),
    )


def _sum_counts(counts: Sequence[int | None]) -> int | None:
    numbers = [count for count in counts if count is not None]
    return sum(numbers) if len(numbers) == len(counts) else None
