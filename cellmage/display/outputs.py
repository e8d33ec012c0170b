"""Outputs on a notebook's page: their MIME types, their metadata, and how they are published."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from IPython.display import display

from ..markdown.control_chars import strip_control_chars
from ..markdown.escape import escape_markdown
from ..markdown.sanitize import sanitize
from .base import REASONING_PART, Frame

_SAFE_IN_URL = ":/?&=#%@+,;~"
"""Characters of a URL that are not quoted."""


def mime_bundle(frame: Frame) -> dict[str, str]:
    """Return the data of a frame by MIME type.

    A settled frame also contains the received text, for consoles and for programs that read the
    notebook's file.
    """
    bundle = {"text/markdown": frame.markdown}
    if frame.is_settled:
        bundle["text/plain"] = strip_control_chars(frame.text)
    return bundle


def output_metadata(frame: Frame, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a settled frame's output; a live frame has none."""
    if not frame.is_settled:
        return {}
    part = "reasoning" if frame.part == REASONING_PART else frame.part
    return {"cellmage": {**metadata, "part": part}}


def publish_frame(frame: Frame, metadata: Mapping[str, Any]) -> None:
    """Publish a frame as an output of its own."""
    display(mime_bundle(frame), raw=True, metadata=output_metadata(frame, metadata))


def publish_notices(notices: Iterable[str]) -> None:
    """Publish messages to the user; they may quote a provider, so they are sanitized, too."""
    for notice in notices:
        line = strip_control_chars(" ".join(notice.split()))
        display({"text/markdown": sanitize(f"*{line}*"), "text/plain": f"({line})"}, raw=True)


def publish_sources(sources: Sequence[tuple[str, str]]) -> None:
    """Publish a numbered list, with links to the files below the kernel's working directory."""
    if not sources:
        return
    links = [source_link(title, source) for title, source in sources]
    markdown = "\n".join(f"{number}. {link}" for number, link in enumerate(links, 1))
    lines = [f"[{number}] {title} ({source})" for number, (title, source) in enumerate(sources, 1)]
    text = strip_control_chars("\n".join(lines))
    display({"text/markdown": markdown, "text/plain": text}, raw=True)


def source_link(title: str, source: str) -> str:
    """Return markdown for a source: a link to a web address or to a file that Jupyter serves."""
    text = escape_markdown(title)
    if source.startswith(("http://", "https://")):
        return sanitize(f"[{text}]({quote(source, safe=_SAFE_IN_URL)})")
    file = source.rpartition(":")[0] or source
    path = os.path.relpath(file) if file else os.pardir
    # Front ends resolve links against the notebook's folder, and serve nothing above it.
    if path.startswith(os.pardir) or not os.path.exists(path):
        return f"{text} ({escape_markdown(source)})" if source else text
    return f"[{text}](<{quote(path)}>)"
