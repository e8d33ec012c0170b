"""An answer that is read on a thread of its own, as the user holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from typing import Any

from ..errors import UsageError
from ..messages import Response
from ..runtime.interrupts import InterruptSafeEvent, on_main_thread
from ..stream.response_stream import ResponseStream
from ..text import truncate
from .questions import POLL_SECONDS, MainThreadQuestions

_QUESTION_CHARS = 60
_READ_CHARS = 1_000


class BackgroundAnswer:
    """An answer that is being read beside the cells; every attribute of its `Response` is here.

    =========  ========================================  ==============================
    state      event                                     next state
    =========  ========================================  ==============================
    waiting    a thread is free: `run`                   answering
    waiting    `stop`, and the queue drops it            partial, without a text
    answering  the answer ends, or is stopped: partial   complete, partial
    answering  it fails                                  failed
    =========  ========================================  ==============================

    Args:
        number: of the job, from 1.
        streams: the answers: one, or those of a comparison.
        selected: the one that is the response.
        questions: what the main thread is to ask the user.

    Attributes:
        number: as the argument.
        question: the beginning of the question, on one line.
        cell: the id of the cell that asked, and of its run.
        history: the turns that it will be one of; None if it makes no turn.
        offer_code: puts the code of the answer into a cell; None if it is not to.
        on_stop: is called when the job is stopped, to refuse what waits for the user.
        error: why the answer failed; None if it did not.
        has_begun: whether a thread reads it, or has read it.
    """

    def __init__(
        self,
        number: int,
        streams: Sequence[ResponseStream],
        selected: ResponseStream,
        questions: MainThreadQuestions | None = None,
    ) -> None:
        self.number = number
        words = selected.request.messages[-1].text[:_READ_CHARS].split()
        self.question = truncate(" ".join(words), _QUESTION_CHARS)
        self.cell: tuple[str | None, str] = (None, "")
        self.history: object = None
        self.offer_code: Callable[[], object] | None = None
        self.on_stop: Callable[[], object] = nullcontext
        self.error: Exception | None = None
        self.has_begun = False
        self._streams = tuple(streams)
        self._selected: ResponseStream | None = selected
        self._response: Response | None = None
        self._questions = MainThreadQuestions() if questions is None else questions
        self._ended = InterruptSafeEvent()

    # For its user.

    @property
    def response(self) -> Response:
        """The answer so far; the complete one at the end. Safe on any thread."""
        selected = self._selected  # `end` sets the response first
        return self._response or selected.response if selected else self._response or Response("")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.response, name)

    @property
    def is_done(self) -> bool:
        """True when the answer has ended, however."""
        return self._ended.is_set

    @property
    def state(self) -> str:
        """One word for what becomes of the answer."""
        if not self.is_done:
            return "answering" if self.has_begun else "waiting"
        if self.error is not None:
            return "failed"
        return "partial" if self.response.incomplete_reason else "complete"

    def result(self, timeout: float | None = None) -> Response:
        """Wait for the end of the answer, and return it; a stopped one is what had arrived.

        Args:
            timeout: the longest wait in seconds; None for no limit.

        Raises:
            CellmageError: the answer failed.
            TimeoutError: it has not ended yet. It goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ended.is_set:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"job {self.number} has not ended within {timeout:g} s")
            self._ask_user()
            self._ended.wait(POLL_SECONDS)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Response]:
        return self._wait().__await__()

    async def _wait(self) -> Response:
        # Short sleeps, not a future: an interrupt is seen between two of them, a question, too.
        while not self._ended.is_set:
            self._ask_user()
            await asyncio.sleep(POLL_SECONDS)
        return self._outcome()

    def _ask_user(self) -> None:
        if on_main_thread():
            self._questions.ask_waiting()

    def _outcome(self) -> Response:
        if self.error is not None:
            raise self.error
        return self.response

    def stop(self) -> None:
        """Stop the answer; what had arrived is kept as a partial answer."""
        self.on_stop()
        for stream in self._streams:
            stream.close()

    def __repr__(self) -> str:
        size = len(self.response.text)
        return f"<BackgroundAnswer: job {self.number}, {self.state}, {size} characters>"

    def __reduce__(self) -> str:
        raise UsageError("a background answer cannot be copied or pickled; its `response` can")

    # For the queue.

    def run(self, work: Callable[[], object]) -> None:
        """Do the work that reads the answer, on this thread."""
        self.has_begun = True
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised by `result`
            self.error = error
        finally:
            self.end()

    def wait_for_end(self, seconds: float) -> None:
        """Wait until the answer has ended, at most so long."""
        self._ended.wait(seconds)

    def end(self) -> None:
        """Fix the response; what was read is not kept twice."""
        for stream in self._streams:
            if stream.response.incomplete_reason == "unfinished":  # it was never read
                stream.close()
        self._response = self.response
        self._streams, self._selected, self.on_stop = (), None, nullcontext
        self._ended.set()
