"""The result of a tool of a server as the text that the model receives. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..text import truncate

_MAX_LABEL_CHARS = 300


class MCPToolError(Exception):
    """A tool reported a failure; its message is for the model."""


def result_text(content: Sequence[Any], structured: Any, is_error: bool) -> str:
    """Return a result as text.

    Args:
        content: blocks of content, as the SDK has them.
        structured: the result as a JSON value, or None. Most servers also send it as text.
        is_error: whether the tool failed.

    Raises:
        MCPToolError: the tool failed.

    Example:
        >>> result_text([], {"sum": 3}, False)
        '{"sum": 3}'
    """
    parts = [_block_text(block) for block in content]
    texts = [block.text for block in content if block.type == "text"]
    if structured is not None and not _says(texts, structured):
        parts.append(json.dumps(structured, ensure_ascii=False))
    text = "\n".join(parts)
    if is_error:
        raise MCPToolError(text or "the tool failed, and did not say why")
    return text


def _block_text(block: Any) -> str:
    """Return a block as text; of an image or a sound a short line, for now."""
    if block.type == "text":
        return str(block.text)
    if block.type in ("image", "audio"):
        return _placeholder(block.type, block.mime_type, block.data)
    if block.type == "resource_link":
        return truncate(f"[resource {block.name}: {block.uri}]", _MAX_LABEL_CHARS)
    resource = getattr(block, "resource", None)
    if (text := getattr(resource, "text", None)) is not None:
        return str(text)
    if (blob := getattr(resource, "blob", None)) is not None:
        return _placeholder("file", getattr(resource, "mime_type", None), blob)
    return f"[{truncate(str(block.type), 40)}: cannot be shown as text]"


def _placeholder(kind: str, mime_type: str | None, base64: str) -> str:
    size = len(base64) * 3 // 4 - base64[-2:].count("=")
    return truncate(f"[{kind}, {mime_type or 'unknown type'}, {size} bytes]", _MAX_LABEL_CHARS)


def _says(texts: Sequence[str], structured: Any) -> bool:
    """Return whether the texts are the structured result, or the one value in it."""
    wrapped = structured.get("result") if isinstance(structured, dict) else None
    is_wrapped = isinstance(structured, dict) and list(structured) == ["result"]
    values = [_json_value(text) for text in texts]
    forms = [*values, *texts, values, list(texts)]
    return structured in forms or (is_wrapped and (wrapped in forms or (not texts and not wrapped)))


def _json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
