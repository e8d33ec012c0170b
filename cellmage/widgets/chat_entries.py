"""The entries of a chat panel: questions with their answers, and the messages that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..display.base import REASONING_PART, STATUS_PART, FinalOutput, Frame
from ..display.footer import join_short_lines, small_lines, sources_markdown
from ..display.panels import panels_html
from ..fork_locks import make_rlock
from ..markdown.safe import EMPTY, SafeMarkdown, join_blocks
from ..markdown.sanitize import sanitize

NOTES_PART = 1_000_000
"""The part below an answer: its sources, and the lines about it."""

_QUESTION_CHARS = 4_000
"""Characters of a question that are shown."""

Parts = Mapping[int, SafeMarkdown]
"""The markdown of parts, by their indexes; an empty one removes its part."""


@dataclass(slots=True, eq=False)
class Entry:
    """A question with its answer, as a panel shows it.

    Args:
        key: the id of the answer.
        question: the question, as the user typed it.
        is_live: True while the answer arrives.
        is_stale: True if an earlier question was asked again since.
        parts: what is shown of the answer.
        text: the answer as it was received, for copies; empty while it arrives.
    """

    key: str
    question: str
    is_live: bool = False
    is_stale: bool = False
    parts: dict[int, SafeMarkdown] = field(default_factory=dict)
    text: str = ""

    def markdown(self) -> SafeMarkdown:
        """Return the answer in one piece."""
        return join_blocks(*(self.parts[part] for part in sorted(self.parts)))

    def message(self) -> dict[str, Any]:
        """Return the entry as the page receives it."""
        return {
            "key": self.key,
            "question": self.question,
            "live": self.is_live,
            "parts": sorted(self.parts.items()),
        }


def cut_question(question: str) -> str:
    """Return what is shown of a question: its begin, and how much of a long one is left out."""
    rest = len(question) - _QUESTION_CHARS
    return f"{question[:_QUESTION_CHARS]}\n… and {rest} more characters" if rest > 0 else question


def freeze_each_slice(settled: float, before: float, index: int) -> bool:
    """Return whether a part is frozen: a panel has room for any number of parts."""
    return settled >= 1


class EntryDisplay:
    """Shows an answer in an entry.

    Args:
        entry: is changed.
        send: receives the parts that have changed.
    """

    is_live = True
    can_replace = True
    sanitize = staticmethod(sanitize)
    write_panels = staticmethod(panels_html)
    should_freeze = staticmethod(freeze_each_slice)

    def __init__(self, entry: Entry, send: Callable[[Entry, Parts], object]) -> None:
        self._entry = entry
        self._send = send

    def show(self, frames: Iterable[Frame]) -> None:
        """Show frames; the status goes when anything else comes."""
        self._change({frame.part: frame.markdown for frame in frames})

    def restart(self) -> None:
        """Remove all parts."""
        self._change(dict.fromkeys(self._entry.parts, EMPTY))

    def finish(self, final: FinalOutput) -> None:
        """Show the end, with the sources and the lines about the answer."""
        notes = join_blocks(
            sources_markdown(final.sources), small_lines(join_short_lines(final.notices))
        )
        frames = {frame.part: frame.markdown for frame in final.frames}
        self._change({STATUS_PART: EMPTY, **frames, NOTES_PART: notes})

    def _change(self, parts: Parts) -> None:
        shown = self._entry.parts
        if STATUS_PART in shown and any(part >= REASONING_PART for part in parts):
            parts = {STATUS_PART: EMPTY, **parts}
        changed = {part: new for part, new in parts.items() if new != shown.get(part, EMPTY)}
        for part, markdown in changed.items():
            shown[part] = markdown
            if not markdown:
                del shown[part]
        if changed:
            self._send(self._entry, changed)


class ChatLog:
    """The entries in order. The page receives what changes, and all when it asks.

    Messages are numbered: a server that is flooded drops some, and the page then asks for all.

    Args:
        send: sends a message to the page, from any thread.
    """

    def __init__(self, send: Callable[[dict[str, Any]], object]) -> None:
        self._post = send
        self._entries: dict[str, Entry] = {}
        self._number = 0
        self._lock = make_rlock()

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries, oldest first."""
        return list(self._entries.values())

    def get(self, key: str) -> Entry | None:
        """Return the entry with the answer of this id."""
        return self._entries.get(key)

    def set_entries(self, entries: Iterable[Entry], changed: Iterable[Entry] = ()) -> None:
        """Show these entries and no other.

        Args:
            entries: in order. Those that the page does not have are sent.
            changed: entries that are sent again.
        """
        with self._lock:
            before, self._entries = self._entries, {entry.key: entry for entry in entries}
            again = set(changed)
            news = [e for e in self._entries.values() if before.get(e.key) is not e or e in again]
            if news or list(before) != list(self._entries):
                self._send("entries", news)

    def send_parts(self, entry: Entry, parts: Parts) -> None:
        """Send the parts of an entry that have changed."""
        with self._lock:
            self._send_message({"type": "parts", "key": entry.key, "parts": list(parts.items())})

    def send_all(self) -> None:
        """Send everything, to a page that begins or has missed something."""
        with self._lock:
            self._send("all", self._entries.values())

    def tell(self, message: dict[str, Any]) -> None:
        """Send another message."""
        with self._lock:
            self._send_message(message)

    def _send(self, kind: str, entries: Iterable[Entry]) -> None:
        messages = [entry.message() for entry in entries]
        self._send_message({"type": kind, "order": list(self._entries), "entries": messages})

    def _send_message(self, message: dict[str, Any]) -> None:
        self._number += 1
        self._post({"n": self._number, **message})
