"""Outputs of a cell: their MIME types, their metadata, and the one way in which they are published.

Only `publish` uses IPython's display handles, and it takes only markdown and HTML that cannot act
(`cellmage.markdown.safe`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from IPython.display import DisplayHandle

from ..markdown.safe import SafeHTML, SafeMarkdown
from ..text import strip_control_chars
from .base import REASONING_PART, FinalOutput, Frame
from .footer import join_short_lines, small_lines, source_lines, sources_markdown
from .listing import Listing


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a cell.

    Args:
        markdown: what a page shows; None for an output that is plain text.
        plain: what consoles show, and programs that read the notebook's file; None if it has none.
        html: what a page shows in place of the markdown.
        metadata: the metadata of the output.
    """

    markdown: SafeMarkdown | None
    plain: str | None
    html: SafeHTML | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def bundle(self) -> dict[str, str]:
        """Return the data by MIME type; plain text has no characters that control a terminal."""
        plain = None if self.plain is None else strip_control_chars(self.plain)
        data = {"text/markdown": self.markdown, "text/html": self.html, "text/plain": plain}
        return {mime_type: text for mime_type, text in data.items() if text is not None}


def publish(output: Output, handle: DisplayHandle | None = None) -> DisplayHandle:
    """Publish an output, or in place of the one that a handle names.

    Returns:
        The handle of the output, with which it can be replaced.
    """
    bundle, metadata = output.bundle(), dict(output.metadata)
    if handle is None:
        handle = DisplayHandle()
        handle.display(bundle, raw=True, metadata=metadata)
    else:
        handle.update(bundle, raw=True, metadata=metadata)
    return handle


def publish_widget(widget: Any, plain: str = "") -> DisplayHandle:
    """Publish a widget of ipywidgets; the handle replaces it.

    Args:
        widget: the widget.
        plain: what a page shows that has no widgets; empty for the widget's own text.
    """
    handle = DisplayHandle()
    if plain:
        handle.display({**widget._repr_mimebundle_(), "text/plain": plain}, raw=True)
    else:
        handle.display(widget)
    return handle


def publish_line(text: str) -> None:
    """Publish a line of plain text, for a console."""
    publish(Output(None, text))


def frame_output(frame: Frame, metadata: Mapping[str, Any]) -> Output:
    """Return a frame as an output.

    A settled frame also contains the received text. Of a live one, a file that is saved now has
    the markdown alone, if it is of a text: see `cellmage.conversation.saved_notebooks`.
    """
    part = "reasoning" if frame.part == REASONING_PART else frame.part
    own = {"cellmage": {**metadata, "part": part}}
    if frame.is_settled:
        return Output(frame.markdown, frame.text, metadata=own)
    if not frame.text or frame.panels:
        return Output(frame.markdown, None)
    own["cellmage"]["live"] = True
    return Output(frame.markdown, None, metadata=own)


def publish_frame(frame: Frame, metadata: Mapping[str, Any]) -> None:
    """Publish a frame as an output of its own."""
    publish(frame_output(frame, metadata))


def publish_footer(final: FinalOutput, answer_id: str = "") -> None:
    """Publish what is below an answer: its sources, and the messages to the user in one output."""
    below = {"cellmage": {"below": answer_id}} if answer_id else {}
    if final.sources:
        text = "\n".join(source_lines(final.sources))
        publish(Output(sources_markdown(final.sources), text, metadata=below))
    if lines := join_short_lines(final.notices):
        text = "\n".join(f"({line})" for line in lines)
        publish(Output(small_lines(lines), text, metadata=below))


def publish_listing(listing: Listing) -> None:
    """Publish a table."""
    metadata = {"cellmage": {"listing": True}}
    publish(Output(listing._repr_markdown_(), repr(listing), metadata=metadata))
