"""Notice a request that its server has cut: the server counts far fewer tokens than were sent.

Ollama and others leave out the beginning of what their context window cannot hold, and say nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..events import Complete, Event, Notice
from ..messages import Message, Request, Usage
from ..options import Options
from .base import Ask

_MIN_COUNT = 1024
"""No context window is smaller; a smaller count is that of a part, or a placeholder."""

_MARGIN = 1.2
"""How many times more tokens must have been sent than were counted, at least."""

_MIN_BYTES_PER_TOKEN = 5
"""Some gateways estimate their counts, at four bytes a token or fewer."""

# Each is one token at least in every tokenizer in use: they split at blanks, and join no more than
# one sign with the letters after it. Longer words than these may be one token for each part.
_ASCII_TOKENS = re.compile(r"[A-Za-z0-9_]{1,32}|[!-/:-@\[-^`{-~]+(?![A-Za-z0-9_])")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_OTHER = re.compile(r"([^\x00-\x7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])\1*")  # a rule is one
_EAST_ASIAN_PER_TOKEN = 3
_OTHER_PER_TOKEN = 8
"""More characters than a token has in any text: names of emoji, Cyrillic, Devanagari."""


def fewest_tokens(text: str) -> int:
    """Return how many tokens a text has at the very least.

    Example:
        >>> fewest_tokens("To be, or not to be."), fewest_tokens(" " * 999), fewest_tokens("x" * 99)
        (8, 0, 4)
    """
    east_asian = len(_EAST_ASIAN.findall(text))
    other = len(_OTHER.findall(text))
    ascii_tokens = len(_ASCII_TOKENS.findall(text))
    return ascii_tokens + east_asian // _EAST_ASIAN_PER_TOKEN + other // _OTHER_PER_TOKEN


def notice_of_cut(request: Request, usage: Usage | None) -> Notice | None:
    """Return the notice of a request that its server has cut; None if nothing shows that.

    Args:
        request: the request.
        usage: the server's count.

    Example:
        >>> from cellmage import Options
        >>> request = Request((Message("user", "word " * 9000),), Options(model="llama3.2"))
        >>> notice_of_cut(request, Usage(4096)).kind, notice_of_cut(request, Usage(9005))
        ('cut_request', None)
    """
    if usage is None or usage.input_tokens is None:
        return None
    count = usage.input_tokens + (usage.cached_tokens or 0)  # some servers count those apart
    if count < _MIN_COUNT:
        return None
    texts = [text for message in request.messages for text in _texts_of(message)]
    sent = sum(map(fewest_tokens, texts))
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    if sent <= _MARGIN * count or size <= _MIN_BYTES_PER_TOKEN * count:
        return None
    return Notice(
        "cut_request",
        f"The server read {usage.input_tokens} tokens of at least {sent} that were sent: what is "
        "beyond its context window is lost, mostly the beginning. Start it with a larger one, or "
        f"send less (`max_context_turns`).{_advise_ollama(request.options)}",
        option="max_context_turns",
    )


def _advise_ollama(options: Options) -> str:
    """Return how Ollama is asked for a larger window, unless the user has set the window."""
    if "num_ctx" in str(options.extra_body):
        return ""
    name = (options.model or "").rpartition("/")[2] or "NAME"
    return f" Ollama reads it all if it is asked as ollama/{name}."


def _texts_of(message: Message) -> list[str]:
    """Return the texts of a message; the tokens of images and tools are not known."""
    return [message.text, *(call.arguments for call in message.tool_calls)]


async def notify_on_cut(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events, and before the last one a notice if the server has cut the request."""
    async with aclosing(ask(request)) as events:
        async for event in events:
            if isinstance(event, Complete) and (notice := notice_of_cut(request, event.usage)):
                yield notice
            yield event
