"""The conversation of a panel as markdown, for a page that cannot show the panel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from IPython.display import DisplayHandle

from ..display.outputs import Output, publish
from ..markdown.safe import EMPTY, fill_safe, join_blocks
from ..markdown.sanitize import sanitize
from .chat_entries import Entry

OUTPUT_CHARS = 20_000
"""An output has entries up to about this size: a new answer sends the last output alone."""

FALLBACK = (
    "The chat panel needs a page that shows widgets, and a running kernel: run this cell there. "
    "%%llm asks in the same conversation without it."
)
"""What a page shows that has no widgets, and the saved notebook."""

_QUESTION = "**You asked:**\n\n{}"
_ANSWER = "**The model answered:**\n\n{}"


class SavedConversation:
    """Outputs below the panel, which its stylesheet hides while the panel is there.

    JupyterLab would build the panel anew if the output that has the panel were updated.
    """

    def __init__(self) -> None:
        self._handles: list[DisplayHandle] = []
        self._published: list[Output] = []

    def update(self, entries: Iterable[Entry]) -> None:
        """Publish what has changed. To be called in the cell of the panel."""
        outputs = [_output(group) for group in _groups(entries)]
        missing = max(0, len(self._handles) - len(outputs))
        for index, output in enumerate([*outputs, *[Output(EMPTY, "")] * missing]):
            if index == len(self._handles):
                self._handles.append(publish(output))
                self._published.append(output)
            elif output != self._published[index]:
                publish(output, self._handles[index])
                self._published[index] = output


def _groups(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    """Yield neighbours; entries that are added at the end change the last group alone."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        group.append(entry)
        size += len(entry.question) + len(entry.text)
        if size >= OUTPUT_CHARS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _output(group: Sequence[Entry]) -> Output:
    blocks = [
        block
        for entry in group
        for block in (
            fill_safe(_QUESTION, sanitize(entry.question, ())),
            fill_safe(_ANSWER, entry.markdown()),
        )
    ]
    plain = [f"You asked:\n{e.question}\n\nThe model answered:\n{e.text}" for e in group]
    return Output(join_blocks(*blocks), "\n\n".join(plain), metadata={"cellmage": {"chat": True}})
