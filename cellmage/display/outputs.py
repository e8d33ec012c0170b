"""Outputs on a notebook's page: their MIME types, their metadata, and how they are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.display import display

from ..markdown.control_chars import strip_control_chars
from .base import REASONING_PART, FinalOutput, Frame
from .footer import join_short_lines, small_lines, source_lines, sources_markdown
from .listing import Listing


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


def publish_footer(final: FinalOutput) -> None:
    """Publish what is below an answer: its sources, and the messages to the user in one output."""
    if final.sources:
        text = "\n".join(source_lines(final.sources))
        display({"text/markdown": sources_markdown(final.sources), "text/plain": text}, raw=True)
    if lines := join_short_lines(final.notices):
        text = "\n".join(f"({line})" for line in lines)
        display({"text/markdown": small_lines(lines), "text/plain": text}, raw=True)


def publish_listing(listing: Listing) -> None:
    """Publish a table."""
    bundle = {"text/markdown": listing._repr_markdown_(), "text/plain": repr(listing)}
    display(bundle, raw=True, metadata={"cellmage": {"listing": True}})
