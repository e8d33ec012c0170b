"""A tool call as a panel: code among its arguments is shown as code."""

from __future__ import annotations

import json
from dataclasses import replace

from ..approvals import format_call
from ..display.panels import Panel
from ..events import ToolCall
from ..messages import ToolInvocation
from ..text import truncate
from ..tool_requests import parse_arguments

_CODE = "code"
"""The argument that is code, whatever the tool is."""

_TITLE_CHARS = 60


def call_panel(call: ToolCall | ToolInvocation) -> Panel:
    """Return the panel of a call, without its result.

    Example:
        >>> call_panel(ToolCall("a", "python", '{"code": "x = 1\\\\nx"}')).title
        'python() x = 1'
        >>> call_panel(ToolCall("a", "weather", '{"city": "Oslo"}')).title
        'weather(city="Oslo")'
    """
    try:
        arguments = parse_arguments(call.arguments)
    except ValueError:
        arguments = {}
    code = arguments.pop(_CODE, None)
    if not isinstance(code, str) or not code.strip():
        return Panel(format_call(call))
    others = json.dumps(arguments, ensure_ascii=False) if arguments else ""
    first = truncate(code.strip().partition("\n")[0], _TITLE_CHARS)
    title = f"{format_call(replace(call, arguments=others))} {first}"
    return Panel(title, code=code, language="python" if "python" in call.name.lower() else "")
