"""Link definitions: what stands in one part of a page and is used in another.

A part of a page is rendered alone, so a link finds only the definitions that are rendered with it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from markdown_it import MarkdownIt

from .links import normal_label

_MAYBE = re.compile(r"^[ \t>]*\[[^\]\n]+\]:", re.MULTILINE)
_USE = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")
_PARSER = MarkdownIt("commonmark")


def definitions(markdown: str) -> dict[str, str]:
    """The definitions in a markdown text, each as a line of its own, by their label.

    Example:
        >>> definitions("See [a][1].\\n\\n[1]: https://example.org 'A title'\\n")
        {'1': '[1]: <https://example.org> "A title"'}
    """
    if not _MAYBE.search(markdown):
        return {}
    env: dict[str, Any] = {}
    _PARSER.parse(markdown, env)
    found: Mapping[str, Mapping[str, str]] = env.get("references", {})
    return {normal_label(label): _line(label, **target) for label, target in found.items()}


def _line(label: str, href: str, title: str, **_: object) -> str:
    quoted = " ".join(title.replace("\\", "\\\\").replace('"', "&quot;").split())
    return f"[{label.lower()}]: <{href}>" + (f' "{quoted}"' if quoted else "")


class References:
    """The definitions of a text in parts; the first definition of a label counts.

    Example:
        >>> references = References()
        >>> references.add(1, "[1]: https://example.org")
        >>> references.complete(0, "See [a][1].")
        'See [a][1].\\n\\n[1]: <https://example.org>'
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, part: int, markdown: str) -> None:
        """Note the definitions that stand in a part."""
        for label, line in definitions(markdown).items():
            self._found.setdefault(label, (part, line))

    def complete(self, part: int, markdown: str) -> str:
        """The part with the definitions that it uses and that stand in others."""
        before = self._used(markdown, range(part))
        after = self.after(part, markdown)
        return (before and before + "\n\n") + markdown + (after and "\n\n" + after)

    def after(self, part: int, markdown: str) -> str:
        """The definitions that the part uses and that stand behind it."""
        return self._used(markdown, range(part + 1, sys.maxsize))

    def _used(self, markdown: str, parts: range) -> str:
        if not self._found:
            return ""
        used = {normal_label(match[1]) for match in _USE.finditer(markdown)}
        found = self._found.items()
        return "\n".join(line for name, (at, line) in found if at in parts and name in used)
