"""The text of a document, in sections that no passage crosses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_FILE_BYTES = 4 * 2**20
"""Larger files are left out."""


class UnreadableError(Exception):
    """A file cannot be read as a document; the message is the reason, for one line."""


class Section(NamedTuple):
    """A piece of a document.

    Args:
        text: its text.
        line: the line of the file where it begins, from 1; 0 if lines of the file say nothing.
    """

    text: str
    line: int = 0


class DocumentText(NamedTuple):
    """The text of a document.

    Args:
        title: its title; empty if it has none.
        sections: its sections, in order.
    """

    title: str
    sections: Sequence[Section]
