"""The metadata that a notebook's file keeps of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..content import Content
from ..messages import Message, Request, Response
from ..options import Options
from ..part_records import add_blobs, parts_to_record
from ..serialization import sources_to_record, steps_to_record
from ..text import strip_control_chars
from ..turns import Turn

_MAX_BLOB_CHARS = 2**19
"""The most base64 in the metadata; the store has larger images and files."""


def answer_metadata(request: Request, response: Response) -> dict[str, Any]:
    """Return how an answer was made: enough to rebuild the turn from the notebook's file alone."""
    system = request.messages[0].text if request.messages[0].role == "system" else None
    # The output's text/plain has no control characters.
    is_plain = strip_control_chars(response.text) == response.text
    metadata = {
        "id": response.id,
        "model": response.model,
        "provider": response.provider,
        "finish_reason": response.finish_reason,
        "incomplete_reason": response.incomplete_reason,
        "usage": response.usage and _without_none(asdict(response.usage)),
        "prompt": request.messages[-1].text,
        "system": system,
        "continues": request.continues_id or None,
        "reasoning": response.reasoning or None,
        "notices": list(response.notices) or None,
        "steps": steps_to_record(response.steps) or None,
        "sources": sources_to_record(response.sources) or None,
        "text": None if is_plain else response.text,
        **_parts(request.messages[-1].content),
    }
    return _without_none(metadata)


def turn_metadata(turn: Turn) -> dict[str, Any]:
    """Return the same of an earlier turn, for a notebook whose file has its answer only once."""
    system = (Message("system", turn.system),) if turn.system else ()
    question = Message("user", turn.content)
    return answer_metadata(Request((*system, question), Options()), turn.response)


def _parts(content: Content) -> dict[str, Any]:
    """Return the images and files of a question; large ones would be in each output of the cell."""
    blobs: dict[str, str] = {}
    parts = content if isinstance(content, tuple) else ()
    add_blobs(blobs, parts)
    if not parts or sum(map(len, blobs.values())) > _MAX_BLOB_CHARS:
        return {}
    return {"parts": parts_to_record(parts), "blobs": blobs}


def _without_none(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value is not None}
