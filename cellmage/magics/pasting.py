"""Undo what copying through web pages, word processors and input methods did to a cell.

Only the start of a magic is changed: never the text of a prompt, and no Python.
"""

from __future__ import annotations

import re

_BLANK = r"(?:[^\S\r\n]|[\u200b\u2060\ufeff])"
"""A blank of any kind: a tab, a no-break or a wide one, or one without width."""

_MAGIC = re.compile(
    rf"(?P<indent>{_BLANK}*)(?P<sign>[%\uff05]{{1,2}})(?P<name>llm(?:_\w+)?)(?:{_BLANK}+|(?=[\r\n]|\Z))"
)
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})[^`\n]*$")


def plain_cell(lines: list[str]) -> list[str]:
    """Return the lines of a cell as they would have been typed.

    - A no-break space, a tab or a wide blank around a magic's name is a plain one, and so is a wide
      percent sign.
    - A cell that was copied with its fence of markdown is the text between the fences.

    Args:
        lines: with their line ends.

    Example:
        >>> plain_cell(["%%llm\\u00a0--json\\n", "%llm\\u00a0stays\\n"])
        ['%%llm --json\\n', '%llm\\xa0stays\\n']
        >>> plain_cell(["```ipython\\n", "%%llm\\n", "Hello\\n", "```\\n"])
        ['%%llm\\n', 'Hello\\n']
    """
    plain: list[str] = []
    for line in (lines := _without_fence(lines)):
        plain.append(_MAGIC.sub(_plain_start, line, count=1) if _MAGIC.match(line) else line)
        if plain[-1].lstrip().startswith("%%"):
            break  # a prompt follows
    return [*plain, *lines[len(plain) :]]


def _plain_start(match: re.Match[str]) -> str:
    indent = "".join(blank for blank in match["indent"] if blank in " \t")
    has_blank = not match[0].endswith(match["name"])
    return f"{indent}{'%' * len(match['sign'])}{match['name']}{' ' * has_blank}"


def _without_fence(lines: list[str]) -> list[str]:
    """Return the lines between the fences of a cell that is one block of markdown with a magic."""
    content = [index for index, line in enumerate(lines) if line.strip()]
    if len(content) < 3:
        return lines
    first, second, last = content[0], content[1], content[-1]
    opening = _FENCE.match(lines[first].strip())
    if not opening or lines[last].strip() != opening["fence"] or not _MAGIC.match(lines[second]):
        return lines
    return lines[first + 1 : last]
