"""A change of code with the verdict on it, below an answer."""

from __future__ import annotations

from ..display.outputs import Output, publish
from ..display.panels import Panel, panels_html
from ..markdown.safe import join_blocks
from ..markdown.sanitize import sanitize


def publish_verdict(title: str, line: str, changes: str, detail: str) -> None:
    """Publish a verdict, the changes, and what else is known, folded.

    Args:
        title: one word.
        line: the verdict, with names in backticks.
        changes: a difference of two texts; empty shows none.
        detail: such as a traceback; empty shows none.
    """
    blocks = [sanitize(f"**{title}** {line}")]
    text = f"{title} {line}"
    if changes:
        blocks.append(sanitize(f"````diff\n{changes}\n````"))
        text += f"\n{changes}"
    if detail.strip():
        blocks.append(panels_html([Panel("", detail, verdict="what went wrong")]))
        text += f"\n{detail}"
    publish(Output(join_blocks(*blocks), text.rstrip("\n")))
