"""The last look at a request before it is sent: keys and secrets stay here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ..events import Event, Notice, Start
from ..messages import Request
from ..providers.secrets import redact
from .base import Ask


async def redact_secrets(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Send the request as the policy of `cellmage.providers.secrets` allows it.

    The request of a conversation has been redacted before; this stage also sees what other stages
    added to it: passages, tool results and the requests of other programs.

    Raises:
        UsageError: the request contains a key of this machine; nothing was sent.
    """
    redacted = redact(request)
    new_notices = redacted.notices[len(request.notices) :]
    async with aclosing(ask(replace(redacted, notices=request.notices))) as events:
        async for event in events:
            yield event
            if isinstance(event, Start):
                for notice in new_notices:
                    yield Notice("redacted", notice)
