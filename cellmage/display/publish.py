"""What is published on a notebook's page, and in which form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from IPython.display import display

from ..markdown.control_chars import strip_control_chars
from ..markdown.escape import escape_markdown
from ..markdown.sanitize import sanitize
from .parts import ASIDE, Frame


def mime_bundle(frame: Frame) -> dict[str, str]:
    """A settled frame holds the received text too, for consoles and for who reads the file."""
    bundle = {"text/markdown": frame.markdown}
    return bundle | {"text/plain": strip_control_chars(frame.text)} if frame.is_settled else bundle


def output_metadata(frame: Frame, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a settled frame's output; a live frame has none."""
    if not frame.is_settled:
        return {}
    return {"cellmage": {**facts, "part": "reasoning" if frame.part == ASIDE else frame.part}}


def publish_frame(frame: Frame, facts: Mapping[str, Any]) -> None:
    """Publish a frame as an output of its own."""
    display(mime_bundle(frame), raw=True, metadata=output_metadata(frame, facts))


def publish_notices(notices: Iterable[str]) -> None:
    """What the reader should be told; it may quote a provider, and must not act either."""
    for notice in (strip_control_chars(" ".join(each.split())) for each in notices):
        markdown = sanitize(f"*{notice}*")
        display({"text/markdown": markdown, "text/plain": f"({notice})"}, raw=True)


def publish_sources(sources: Iterable[tuple[str, str]]) -> None:
    """Numbered, with a link where the file is below the folder that the kernel runs in."""
    links = [_link(title, place) for title, place in sources]
    if links:
        markdown = "\n".join(f"{number}. {link}" for number, link in enumerate(links, 1))
        plain = "\n".join(f"[{number}] {t} ({p})" for number, (t, p) in enumerate(sources, 1))
        display({"text/markdown": markdown, "text/plain": strip_control_chars(plain)}, raw=True)


def _link(title: str, place: str) -> str:
    name = escape_markdown(title)
    if place.startswith(("http://", "https://")):
        return sanitize(f"[{name}]({quote(place, safe=_IN_ADDRESSES)})")
    path = place.rpartition(":")[0] or place
    below = os.path.relpath(path) if path else os.pardir
    if below.startswith(os.pardir) or not os.path.exists(below):
        return f"{name} ({escape_markdown(place)})" if place else name
    return f"[{name}](<{quote(below)}>)"


_IN_ADDRESSES = ":/?&=#%@+,;~"
