"""Questions of jobs that only the main thread can ask the user, in a cell that runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ..runtime.interrupts import InterruptSafeEvent

POLL_SECONDS = 0.1


class _Question:
    """A function that the main thread is to call, and what came of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.answered = InterruptSafeEvent()
        self.value: Any = False
        self.error: Exception | None = None

    def ask(self) -> None:
        """Call the function; an interrupt of the user answers nothing."""
        try:
            self.value = self._function()
        except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
            self.error = error
        self.answered.set()


class MainThreadQuestions:
    """The questions that wait for the main thread, the oldest first.

    Example:
        >>> questions = MainThreadQuestions()
        >>> questions.ask_waiting()
        0
    """

    def __init__(self) -> None:
        self._waiting: deque[_Question] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, function: Callable[[], Any], is_over: Callable[[], bool]) -> Any:
        """Wait until the main thread has called a function, and return its result.

        Args:
            function: asks the user.
            is_over: whether the answer is of no use any more: the result is then False.

        Raises:
            Exception: what the function raised.
        """
        question = _Question(function)
        self._waiting.append(question)
        while not question.answered.is_set and not is_over():
            question.answered.wait(POLL_SECONDS)
        if question in self._waiting:
            self._waiting.remove(question)
        if question.error is not None:
            raise question.error
        return question.value

    def ask_waiting(self) -> int:
        """Ask what waits, on the main thread, and return how many questions were asked."""
        count = 0
        while self._waiting:
            question = self._waiting[0]
            question.ask()
            if self._waiting and self._waiting[0] is question:
                self._waiting.popleft()
            count += 1
        return count
