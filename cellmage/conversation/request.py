"""Make the request of a question: system prompt, the earlier turns that fit, the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import Kind, check
from ..content import Content, Prompt, attachments_of, text_of, to_content
from ..context_window import select_turns
from ..errors import UsageError
from ..messages import Message, Request
from ..options import Options
from ..pipeline.redact import redact
from ..tools import Tool
from ..turns import Turn

_PROMPT: Kind[Content] = Kind("a text, or a list of texts, Images and Files", to_content)


def make_request(
    prompt: Prompt, options: Options, earlier: Sequence[Turn], tools: Mapping[str, Tool[..., Any]]
) -> Request:
    """Return the request of a question, as it may be sent.

    Args:
        prompt: the question.
        options: the resolved options.
        earlier: the turns before the question; the newest that fit are sent.
        tools: the tools that the model may call, by name.

    Raises:
        UsageError: the prompt is neither a text nor parts, empty or too long, or the request
            contains a key of this machine.
    """
    content = check("prompt", prompt, _PROMPT)
    if not text_of(content).strip() and not attachments_of(content):
        raise UsageError("the prompt is empty; nothing was sent")
    turns, left_out = select_turns(earlier, content, options)
    notices = [left_out, _system_changed_notice(earlier, options.system or "")]
    system = [Message("system", options.system)] if options.system else []
    history = [message for turn in turns for message in turn.messages()]
    request = Request(
        (*system, *history, Message("user", content)),
        options,
        tuple(notice for notice in notices if notice),
        tools=tuple(tool.schema for tool in tools.values()),
    )
    return redact(request)


def _system_changed_notice(turns: Sequence[Turn], system: str) -> str:
    """Return a line for answers that were given under another system prompt; else nothing."""
    if not turns or turns[-1].system == system:
        return ""
    return "the system prompt is not the one of the turn before; the turns are kept"
