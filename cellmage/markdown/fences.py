"""Code fences that an answer left open."""

from __future__ import annotations

from markdown_it import MarkdownIt

from .block_rules import parse_nested_fence
from .safe import EMPTY, SafeMarkdown, join_safe

_PARSER = MarkdownIt("commonmark")
_PARSER.block.ruler.at(
    "fence", parse_nested_fence, {"alt": ["paragraph", "reference", "blockquote", "list"]}
)


def close_fences(markdown: str) -> str:
    """Return markdown whose last fence is closed: an open one would swallow the text after it.

    A fence in a list or a quote ends with its container (CommonMark 4.5), and needs no mark.

    Args:
        markdown: complete markdown; an open fence reaches to its end.

    Example:
        >>> close_fences("~~~\\nx"), close_fences("- ```\\n  x")
        ('~~~\\nx\\n~~~', '- ```\\n  x')
    """
    return "\n".join(filter(None, [markdown, _closing_fence(markdown)]))


def close_safe_fences(markdown: SafeMarkdown) -> SafeMarkdown:
    """Return safe markdown as `close_fences` does."""
    return join_safe("\n", filter(None, [markdown, _closing_fence(markdown)]))


def _closing_fence(markdown: str) -> SafeMarkdown:
    """Return the mark that closes the last fence, or "" if it is closed."""
    if "```" not in markdown and "~~~" not in markdown:
        return EMPTY
    *_, last = [None, *_PARSER.parse(markdown)]
    if last is None or last.type != "fence" or last.level or not last.map:
        return EMPTY
    last_line = markdown.splitlines()[last.map[0] + 1 : last.map[1]][-1:]
    is_closed = (
        last_line and set(last_line[0].strip()) == {last.markup[0]} and last.markup in last_line[0]
    )
    return EMPTY if is_closed else SafeMarkdown(last.markup)
