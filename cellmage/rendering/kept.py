"""The line below an answer that was kept."""

from __future__ import annotations

from ..messages import Response
from ..text import name_day


def recording_line(response: Response) -> str:
    """Return the line below an answer that was recorded, and not asked for.

    Example:
        >>> recording_line(Response("Hello", model="m", kept_from="2026-11-27"))
        'kept from 27 Nov, m; `fresh` asks again'
    """
    return f"kept from {name_day(response.kept_from)}, {response.model}; `fresh` asks again"
