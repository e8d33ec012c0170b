"""What would be sent, for ``--dry-run``."""

from __future__ import annotations

from dataclasses import asdict

from ..messages import Message, Request
from ..tools import call_text


def describe(request: Request) -> str:
    """What would be sent, for ``--dry-run``."""
    options = asdict(request.options)
    options["params"] = options["params"] or None
    del options["system"]
    facts = [f"{name}: {value}" for name, value in options.items() if value is not None]
    facts += [f"tool: {tool['name']}" for tool in request.tools]
    messages = [f"[{message.role}]\n{_said(message)}" for message in request.messages]
    return "\n".join(["dry run; nothing was sent", *facts, *messages])


def _said(message: Message) -> str:
    """What a message says, and the tools that it asks for."""
    return "\n".join(filter(None, [message.content, *map(call_text, message.calls)]))
