"""A row that is to be asked, and where answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..content import Prompt
from ..errors import CellmageError
from ..messages import Request, Response


@dataclass(frozen=True, slots=True)
class Question:
    """The prompt of a row.

    Args:
        index: the number of the row, from 0.
        prompt: what is asked; an error if it could not be made.
        row: the row, for its result.
    """

    index: int
    prompt: Prompt | CellmageError
    row: Any = None


class Keeper(Protocol):
    """Answers that are kept, so that an interrupted batch asks only what is missing."""

    def find(self, key: str, number: int) -> Response | None:
        """Return the answer to the question with this key; of equal ones that of this number."""

    def add(self, key: str, number: int, response: Response) -> None:
        """Keep a complete answer."""


@dataclass(slots=True)
class Pending:
    """A row that is not done.

    Args:
        question: the row.
        request: its request.
        key: the key of its answer, and which of the rows with this key it is.
        attempts: how many requests there were.
    """

    question: Question
    request: Request
    key: tuple[str, int]
    attempts: int = 0
