"""Describe a request that is not sent, for ``--dry-run``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from ..approvals import format_call
from ..content import describe_content
from ..context_window import estimate_message, estimate_tokens
from ..messages import Message, Request, Usage
from ..pricing import format_percent, format_usd, price_of, window_of
from ..providers.servers import ResolvedModel

_ANSWER_TOKENS = 1000
"""The tokens of an answer for which a price is named: how long it will be is not known."""


def describe(
    request: Request,
    models: Sequence[str],
    retriever: str | None,
    resolved_models: Sequence[ResolvedModel] = (),
    forecasts: Sequence[str] = (),
) -> str:
    """Return the request as text, for ``--dry-run``.

    Args:
        request: one of those that would be sent.
        models: the names of all models that would be asked.
        retriever: the name of what would be searched first, or None.
        resolved_models: the model of each answer, for its window and its prices.
        forecasts: what would become of each answer that may be kept.
    """
    options = asdict(request.options)
    options["extra_body"] = options["extra_body"] or None
    del options["system"]
    lines = [f"{name}: {value}" for name, value in options.items() if value is not None]
    lines += [f"models: {', '.join(models)}"] if len(models) > 1 else []
    lines += [f"searched first: {retriever}"] if retriever else []
    lines += [f"tool: {tool['name']}" for tool in request.tools]
    lines += [f"notice: {notice}" for notice in request.notices]
    lines += [f"kept answers: {forecast}" for forecast in forecasts if forecast]
    lines += [_estimate(request, resolved) for resolved in resolved_models]
    messages = [f"[{message.role}]\n{_text(message)}" for message in request.messages]
    return "\n".join(["Dry run: nothing was sent.", *lines, *messages])


def _text(message: Message) -> str:
    """Return the parts of a message, and the tool calls that it makes."""
    lines = [describe_content(message.content), *map(format_call, message.tool_calls)]
    return "\n".join(filter(None, lines))


def _estimate(request: Request, resolved: ResolvedModel) -> str:
    """Return about how large a request is, and what it costs, as far as it is known."""
    model, host = resolved.model, resolved.provider.name
    tokens = sum(map(estimate_message, request.messages))
    tokens += sum(estimate_tokens(json.dumps(dict(tool))) for tool in request.tools)
    window = window_of(model, host)
    price = price_of(model, host, Usage(tokens, 0))
    answer_price = price_of(model, host, Usage(0, _ANSWER_TOKENS))
    parts = [
        f"estimate for {model}: about {tokens} tokens",
        f"{format_percent(tokens / window)} of the context window of {window}" if window else "",
        f"{format_usd(price)} for the request" if price is not None else "",
        f"{format_usd(answer_price)} for each {_ANSWER_TOKENS} tokens of the answer"
        if answer_price is not None
        else "",
    ]
    return ", ".join(filter(None, parts))
