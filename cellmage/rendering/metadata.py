"""The metadata that a notebook's file keeps of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..messages import Request, Response
from ..serialization import sources_to_record, steps_to_record
from ..text import strip_control_chars


def answer_metadata(request: Request, response: Response) -> dict[str, Any]:
    """Return how an answer was made: enough to rebuild the turn from the notebook's file alone."""
    system = request.messages[0].content if request.messages[0].role == "system" else None
    # The output's text/plain has no control characters.
    is_plain = strip_control_chars(response.text) == response.text
    metadata = {
        "id": response.id,
        "model": response.model,
        "provider": response.provider,
        "finish_reason": response.finish_reason,
        "incomplete_reason": response.incomplete_reason,
        "usage": response.usage and _without_none(asdict(response.usage)),
        "prompt": request.messages[-1].content,
        "system": system,
        "continues": request.continues_id or None,
        "reasoning": response.reasoning or None,
        "notices": list(response.notices) or None,
        "steps": steps_to_record(response.steps) or None,
        "sources": sources_to_record(response.sources) or None,
        "text": None if is_plain else response.text,
    }
    return _without_none(metadata)


def _without_none(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value is not None}
