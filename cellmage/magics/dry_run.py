"""Describe a request that is not sent, for ``--dry-run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..approvals import format_call
from ..content import describe_parts
from ..messages import Message, Request


def describe(request: Request, models: Sequence[str], retriever: str | None) -> str:
    """Return the request as text, for ``--dry-run``.

    Args:
        request: one of those that would be sent.
        models: the names of all models that would be asked.
        retriever: the name of what would be searched first, or None.
    """
    options = asdict(request.options)
    options["extra_body"] = options["extra_body"] or None
    del options["system"]
    lines = [f"{name}: {value}" for name, value in options.items() if value is not None]
    lines += [f"models: {', '.join(models)}"] if len(models) > 1 else []
    lines += [f"searched first: {retriever}"] if retriever else []
    lines += [f"tool: {tool['name']}" for tool in request.tools]
    lines += [f"notice: {notice}" for notice in request.notices]
    messages = [f"[{message.role}]\n{_text(message)}" for message in request.messages]
    return "\n".join(["Dry run: nothing was sent.", *lines, *messages])


def _text(message: Message) -> str:
    """Return the parts of a message, and the tool calls that it makes."""
    lines = [*describe_parts(message.content), *map(format_call, message.tool_calls)]
    return "\n".join(filter(None, lines))
