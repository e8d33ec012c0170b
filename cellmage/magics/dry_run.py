"""What would be sent, for ``--dry-run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..messages import Message, Request
from ..tools import call_text


def describe(request: Request, models: Sequence[str], searched: str | None) -> str:
    """What would be sent, for ``--dry-run``.

    Args:
        request: one of those that would be sent.
        models: all that would be asked.
        searched: what would be searched first.
    """
    options = asdict(request.options)
    options["extra_body"] = options["extra_body"] or None
    del options["system"]
    facts = [f"{name}: {value}" for name, value in options.items() if value is not None]
    facts += [f"models: {', '.join(models)}"] if len(models) > 1 else []
    facts += [f"searched first: {searched}"] if searched else []
    facts += [f"tool: {tool['name']}" for tool in request.tools]
    messages = [f"[{message.role}]\n{_said(message)}" for message in request.messages]
    return "\n".join(["dry run; nothing was sent", *facts, *messages])


def _said(message: Message) -> str:
    """What a message says, and the tools that it asks for."""
    return "\n".join(filter(None, [message.content, *map(call_text, message.tool_calls)]))
