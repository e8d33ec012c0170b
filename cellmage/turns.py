"""A turn of a conversation: a question with its answer, and the cell that asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .content import Content, Part, describe_content
from .messages import Message, Response
from .text import Encodable


@dataclass(frozen=True, slots=True)
class CellRef:
    """A reference to one question of a cell.

    Args:
        cell_id: the id of the cell, as the front end sends it.
        index: the zero-based index of the question within one run of the cell.

    Example:
        >>> CellRef("c1", 0).cell_id
        'c1'
    """

    cell_id: str
    index: int

    def precedes(self, other: CellRef) -> bool:
        """Return whether this is an earlier question of the same cell."""
        return self.cell_id == other.cell_id and self.index < other.index


_CHAT = " chat"
"""Marks the questions of a panel: no front end sends an id with a space."""


def chat_cell_id(cell_id: str) -> str:
    """Return the id of the questions that a chat panel asks in the output of a cell.

    They are not the cell's own: a run of the cell neither replaces nor drops them.

    Example:
        >>> real_cell_id(chat_cell_id("c1"))
        'c1'
    """
    return cell_id + _CHAT


def real_cell_id(cell_id: str) -> str:
    """Return the id of the cell that a question belongs to, as the front end sends it."""
    return cell_id.removesuffix(_CHAT)


@dataclass(frozen=True, slots=True)
class Turn(Encodable):
    """A prompt and its response.

    Args:
        prompt: the text of the question.
        response: the answer.
        cell: the cell that asked; None outside of a notebook.
        stale: True if an earlier cell was run again since.
        previous_attempts: the turns that this one replaced, the oldest first; never sent.
        system: the system prompt that was sent with it.
        parts: the parts of a question with images or files, of which ``prompt`` is the text.

    Example:
        >>> [message.content for message in Turn("Hi", Response("Hello")).messages()]
        ['Hi', 'Hello']
    """

    prompt: str
    response: Response
    cell: CellRef | None = None
    stale: bool = False
    previous_attempts: tuple[Turn, ...] = ()
    system: str = ""
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(
        cls, question: Message, response: Response, cell: CellRef | None = None, system: str = ""
    ) -> Turn:
        """Return the turn of a message that asks."""
        parts = question.content if isinstance(question.content, tuple) else ()
        return cls(question.text, response, cell, system=system, parts=parts)

    @property
    def content(self) -> Content:
        """The question as it is sent: its parts, or its text alone."""
        return self.parts or self.prompt

    @property
    def question(self) -> str:
        """The text of the question, with one line in place of each image and file."""
        return describe_content(self.content)

    @property
    def state(self) -> str:
        """``"partial"``, ``"stale"`` or ``"complete"``, the first that holds."""
        if self.response.incomplete_reason:
            return "partial"
        return "stale" if self.stale else "complete"

    def mark_stale(self) -> Turn:
        """Return the same turn, marked stale."""
        return replace(self, stale=True)

    def continue_from(self, cut: Turn) -> Turn:
        """Return the turn that a cut one and this one, which continues it, make together."""
        first, second = cut.response, self.response
        steps = second.steps
        if steps:
            steps = (replace(steps[0], text=first.final_text + steps[0].text), *steps[1:])
        response = replace(
            second,
            text=first.text + second.text,
            reasoning=first.reasoning + second.reasoning,
            steps=first.steps + steps,
            sources=tuple(dict.fromkeys((*first.sources, *second.sources))),
            marks=first.marks,
        )
        return replace(cut, response=response)

    def repeats(self, old: Turn) -> bool:
        """Return whether the answer is a kept one, which an older turn has, too.

        What was made from the older turn is then not stale.
        """
        is_same = (self.prompt, self.response.text) == (old.prompt, old.response.text)
        return bool(self.response.kept_from) and is_same

    def supersede(self, old: Turn) -> Turn:
        """Return the same turn, with an older attempt and its previous ones before it."""
        attempts = (*old.previous_attempts, replace(old, previous_attempts=()))
        return replace(self, previous_attempts=attempts)

    def messages(self) -> tuple[Message, ...]:
        """Return the turn as it is sent: the question, then the answer."""
        return Message("user", self.content), *self.response.messages()
