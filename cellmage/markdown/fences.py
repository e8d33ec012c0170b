"""Code fences that an answer left open."""

from __future__ import annotations

from markdown_it import MarkdownIt

from .block_rules import parse_nested_fence

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
    if "```" not in markdown and "~~~" not in markdown:
        return markdown
    *_, last = [None, *_PARSER.parse(markdown)]
    if last is None or last.type != "fence" or last.level or not last.map:
        return markdown
    last_line = markdown.splitlines()[last.map[0] + 1 : last.map[1]][-1:]
    is_closed = (
        last_line and set(last_line[0].strip()) == {last.markup[0]} and last.markup in last_line[0]
    )
    return markdown if is_closed else f"{markdown}\n{last.markup}"
