"""Link reference definitions that one part of a page contains and another part uses.

Each part of a page is rendered alone, so a link finds only the definitions of its own part.
Source: CommonMark 0.31.2, section 4.7.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from .dialect import parse_references
from .links import normalize_label
from .literals import has_many_candidates, has_many_lines
from .safe import EMPTY, SafeMarkdown, join_blocks, join_safe
from .sanitize import is_too_long
from .settled import split_settled
from .write_blocks import write_definition

_MAYBE_DEFINITION = re.compile(r"^[ \t>]*\[[^\]\n]+\]:", re.MULTILINE)
_MAX_LINES = 2_000
"""Lines of blocks that belong together and are looked at, beside those of a fence."""

_MAYBE_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")


def find_definitions(markdown: str) -> dict[str, SafeMarkdown]:
    """Return the definitions in a markdown text by label, each as a line of markdown.

    Example:
        >>> find_definitions("See [a][1].\\n\\n[1]: https://example.org 'A title'\\n")
        {'1': '[1]: <https://example.org> "A title"'}
    """
    if not _MAYBE_DEFINITION.search(markdown):
        return {}
    references: dict[str, Mapping[str, str]] = {}
    for run in filter(_may_define, split_settled(markdown)):
        for label, target in parse_references(run).items():
            references.setdefault(label, target)  # the first of a label counts
    return {
        normalize_label(label): SafeMarkdown(write_definition(label, target))
        for label, target in references.items()
    }


def _may_define(run: str) -> bool:
    """Return whether blocks that belong together are looked at: of hostile ones nothing is."""
    if not _MAYBE_DEFINITION.search(run) or has_many_lines(run, 0, _MAX_LINES):
        return False
    return not (has_many_candidates(run) or is_too_long(run))


class LinkDefinitions:
    """The definitions of a text in parts; the first definition of a label counts.

    Example:
        >>> definitions = LinkDefinitions()
        >>> definitions.add(1, "[1]: https://example.org")
        >>> definitions.attach(0, "See [a][1].")
        'See [a][1].\\n\\n[1]: <https://example.org>'
    """

    def __init__(self) -> None:
        self._definitions: dict[str, tuple[int, SafeMarkdown]] = {}

    def add(self, part: int, markdown: str) -> None:
        """Record the definitions that a part contains.

        Args:
            part: the index of the part, in the order of the page.
            markdown: the text of the part.
        """
        for label, line in find_definitions(markdown).items():
            self._definitions.setdefault(label, (part, line))

    def attach(self, part: int, markdown: SafeMarkdown) -> SafeMarkdown:
        """Return the part with the definitions that it uses and that other parts contain.

        Args:
            part: the index of the part, in the order of the page.
            markdown: the text of the part.
        """
        before = self._find_used(markdown, range(part))
        after = self.find_later(part, markdown)
        return join_blocks(before, markdown, after) if before or after else markdown

    def find_later(self, part: int, markdown: str) -> SafeMarkdown:
        """Return the definitions that the part uses and that parts after it contain."""
        return self._find_used(markdown, range(part + 1, sys.maxsize))

    def _find_used(self, markdown: str, parts: range) -> SafeMarkdown:
        if not self._definitions:
            return EMPTY
        labels = {normalize_label(match[1]) for match in _MAYBE_LABEL.finditer(markdown)}
        definitions = self._definitions.items()
        return join_safe(
            "\n",
            (line for label, (part, line) in definitions if part in parts and label in labels),
        )
