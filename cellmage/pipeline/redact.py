"""Decide what may be sent to a model: one policy for the magics, for Python and for ``serve``.

========================  ==============================  ================================
part of the request       a key of this machine           text that looks like a secret
========================  ==============================  ================================
prompt, system prompt     refused                         masked but for its end
answer, tool result       replaced by a short note        masked but for its end
address of an image       refused                         sent as it is
name of a file            refused                         masked but for its end
bytes of either           sent as they are                sent as they are
schema of a tool          refused                         refused
state of the provider     left out                        sent as it is
========================  ==============================  ================================
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..content import File, Image, Part, map_texts
from ..errors import UsageError
from ..events import Event, Notice, Start
from ..messages import Message, Request
from ..providers.environment import ENVIRON
from ..providers.keys import Key, fingerprint
from ..providers.keystore import known_keys
from ..providers.masking import mask_secrets, refuse_keys
from .base import Ask

_WITHHELD = "[withheld: it contains a key of this machine]"


def redact(request: Request, environ: Mapping[str, str] = ENVIRON) -> Request:
    """Return the request as it may be sent; a notice says what was masked.

    Args:
        request: the complete request: system prompt, earlier turns, passages, tool results.
        environ: where keys are configured, besides the key file.

    Raises:
        UsageError: a prompt or a tool's schema contains a secret; nothing was sent.

    Example:
        >>> from cellmage import Options
        >>> sent = redact(Request((Message("user", "use sk-abcdefghijklmnop1234"),), Options()), {})
        >>> sent.messages[0].content, sent.notices[0][:40]
        ('use …1234', 'The request contains what looks like a k')
    """
    policy = _Policy(known_keys(environ))
    policy.check_schemas(json.dumps(request.tools, ensure_ascii=False))
    messages = tuple(policy.redact_message(message) for message in request.messages)
    return replace(request, messages=messages, notices=(*request.notices, *policy.notices()))


def redact_text(text: str, environ: Mapping[str, str] = ENVIRON) -> str:
    """Return a text for a model, such as a tool's result, without keys and secrets."""
    return _Policy(known_keys(environ)).withhold_or_mask(text)


class _CleanTexts:
    """The texts that contained nothing to redact, so that a conversation is searched once.

    A question sends all turns before it. Only the hash of a text is kept.
    """

    _MAX_TEXTS = 500_000

    def __init__(self) -> None:
        self._fingerprint = 0
        self._hashes: set[int] = set()

    def for_keys(self, fingerprint: int) -> set[int]:
        """Return the hashes of the texts that are clean of these keys."""
        if fingerprint != self._fingerprint or len(self._hashes) > self._MAX_TEXTS:
            self._fingerprint, self._hashes = fingerprint, set()
        return self._hashes


_clean_texts = _CleanTexts()


class _Policy:
    """The policy for one request.

    Args:
        keys: the keys of this machine, by the name of their variable.
    """

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = keys
        self._clean = _clean_texts.for_keys(fingerprint(keys))
        self._endings: list[str] = []

    def check_schemas(self, schemas: str) -> None:
        """Refuse schemas of tools with anything that would be masked."""
        if self.withhold_or_mask(schemas) != schemas:
            raise UsageError(
                "a tool's signature or docstring contains what looks like a key: remove it there"
            )

    def redact_message(self, message: Message) -> Message:
        """Return a message as it may be sent."""
        if hash(message.content) in self._clean and not (message.tool_calls or message.state):
            return message  # nearly all messages of a long conversation
        is_typed = message.role in ("system", "user")
        redact = self.refuse_or_mask if is_typed else self.withhold_or_mask
        calls = tuple(
            replace(call, arguments=redact(call.arguments), result=redact(call.result))
            for call in message.tool_calls
        )
        state = tuple(item for item in message.state if not self._has_key(item.item))
        content = map_texts(message.content, redact)
        if isinstance(content, tuple):
            content = tuple(map(self._redact_attachment, content))
        return replace(message, content=content, tool_calls=calls, state=state)

    def _redact_attachment(self, part: Part) -> Part:
        """Return a part as it may be sent; a mask would make the address of an image invalid."""
        if isinstance(part, Image):
            refuse_keys([part.url], self._keys)
        elif isinstance(part, File) and (name := self.refuse_or_mask(part.name)) != part.name:
            return File(part.data, name)
        return part

    def _has_key(self, text: str) -> bool:
        """Return whether a text contains a key of this machine; a mask would make it invalid."""
        try:
            refuse_keys([text], self._keys)
        except UsageError:
            return True
        return False

    def refuse_or_mask(self, text: str) -> str:
        """Return a text that the user wrote; a key of this machine raises a `UsageError`."""
        if hash(text) in self._clean:
            return text
        refuse_keys([text], self._keys)
        masked, endings = mask_secrets(text)
        self._endings += endings
        if masked == text:
            self._clean.add(hash(text))
        return masked

    def withhold_or_mask(self, text: str) -> str:
        """Return a text that nobody typed: a note takes its place if it contains a key."""
        try:
            return self.refuse_or_mask(text)
        except UsageError:
            return _WITHHELD

    def notices(self) -> list[str]:
        """Return a line for the user if something was masked."""
        if not self._endings:
            return []
        endings = ", ".join(dict.fromkeys(self._endings))
        return [f"The request contains what looks like a key ({endings}): only its end is sent."]


def redact_secrets(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Send the request as the policy of this file allows it: a stage of the pipeline.

    The request of a conversation has been redacted before; this stage also sees what other stages
    added to it: passages, tool results and the requests of other programs.

    Raises:
        UsageError: the request contains a key of this machine; nothing was sent.
    """
    redacted = redact(request)
    new_notices = redacted.notices[len(request.notices) :]
    events = ask(replace(redacted, notices=request.notices))
    return _with_notices(events, new_notices) if new_notices else events


async def _with_notices(
    events: AsyncGenerator[Event, None], notices: Sequence[str]
) -> AsyncGenerator[Event, None]:
    async with aclosing(events):
        async for event in events:
            yield event
            if isinstance(event, Start):
                for notice in notices:
                    yield Notice("redacted", notice)
