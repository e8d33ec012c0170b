"""What would be sent, for ``--dry-run``."""

from __future__ import annotations

from dataclasses import asdict

from ..messages import Request


def describe(request: Request) -> str:
    """What would be sent, for ``--dry-run``."""
    options = asdict(request.options)
    options["params"] = options["params"] or None
    del options["system"]
    facts = [f"{name}: {value}" for name, value in options.items() if value is not None]
    messages = [f"[{message.role}]\n{message.content}" for message in request.messages]
    return "\n".join(["dry run; nothing was sent", *facts, *messages])
