"""``--background`` and ``%llm_jobs``: answers beside the cells, below the cells that asked."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from IPython.core.interactiveshell import InteractiveShell

from ..approvals import CELL_TOOLS, ask_user
from ..background.answer import BackgroundAnswer
from ..background.questions import MainThreadQuestions
from ..background.queue import JobQueue
from ..display.base import Display
from ..display.listing import Listing
from ..display.select import choose_display, is_captured, is_console, is_interactive
from ..display.status import StatusLine
from ..errors import UsageError
from ..events import ToolCall
from ..rendering import RenderOptions, render_turn
from ..stream.response_stream import ResponseStream
from ..turns import Turn
from ..widgets.approval_card import ApprovalCards, Decision
from .frontend import FrontEnd, print_line
from .tool_approval import ToolApproval

IN_FOREGROUND = (
    "--background needs a notebook page that somebody watches: this is answered in the foreground."
)


class BackgroundAnswers:
    """The answers of a notebook that are read beside its cells.

    Args:
        shell: where the cells run.
        approval: asks the user about the tool calls of cells.
    """

    def __init__(self, shell: InteractiveShell, approval: ToolApproval) -> None:
        self._shell = shell
        self._approval = approval
        self._count = 0
        self.queue = JobQueue()
        self.questions = MainThreadQuestions()

    def approval_for(self, args: Namespace, surface: object) -> JobApproval | None:
        """Return what asks about the tool calls of a job; None for an answer in the foreground.

        Args:
            args: the flags of ``%%llm``.
            surface: where the answer is shown, if that is not the running cell.
        """
        if not args.background or surface is not None or args.dry_run:
            return None
        if not self._has_page():
            print_line(IN_FOREGROUND)
            return None
        return JobApproval(self._approval, self.questions)

    def _has_page(self) -> bool:
        """Return whether outputs can be added below the running cell when it has ended."""
        is_page = hasattr(self._shell, "kernel") and is_interactive(self._shell)
        return is_page and not is_captured(self._shell) and not is_console(self._shell)

    def under_way(self) -> Sequence[BackgroundAnswer]:
        """Return the jobs that have not ended."""
        return self.queue.under_way

    def count_in(self, history: object) -> int:
        """Return how many answers are under way that will be turns of a conversation."""
        return sum(answer.history is history for answer in self.queue.under_way)

    def stop_all(self) -> int:
        """Stop the jobs that wait for a thread; those that run are stopped as all answers are."""
        return self.queue.stop([answer for answer in self.queue.under_way if not answer.has_begun])

    def make(
        self,
        streams: Sequence[ResponseStream],
        selected: ResponseStream,
        front_end: FrontEnd,
        approval: JobApproval,
    ) -> BackgroundAnswer:
        """Return a job with the next number.

        Args:
            streams, selected: the answers, and the one that is the response.
            front_end: the running cell.
            approval: asks about its tool calls.
        """
        self._count += 1
        answer = BackgroundAnswer(self._count, streams, selected, self.questions)
        answer.cell = front_end.cell_id, front_end.run_id
        answer.on_stop, approval.number = approval.stop, answer.number
        return answer

    def start(self, answer: BackgroundAnswer, display: Display, work: Callable[[], object]) -> None:
        """Read an answer on a thread, below the running cell.

        Args:
            answer: the job.
            display: where the answer is shown.
            work: reads and shows it.
        """
        line = f"job {answer.number} in the background; %llm_jobs --stop {answer.number} stops it"
        status = StatusLine(None)
        status.text = line
        display.show(status.frames_due(0.0))
        self.queue.add(answer, lambda: self._work(answer, work))

    def _work(self, answer: BackgroundAnswer, work: Callable[[], object]) -> None:
        """Read an answer; its error is one line below it, because its cell has ended."""
        try:
            work()
        except Exception as error:
            message = " ".join(str(error).split())
            print_line(f"Job {answer.number} failed: {type(error).__name__}: {message}")
            raise
        if answer.offer_code is not None:
            print_line(
                f"%llm_jobs --show {answer.number} puts the code of this answer into a cell."
            )

    def end_earlier_run(self, front_end: FrontEnd) -> None:
        """Stop the jobs of an earlier run of the cell: it asks again, and its outputs are gone."""
        if front_end.cell_id is not None:
            cell_id, run_id = front_end.cell_id, front_end.run_id
            earlier = [
                answer
                for answer in self.queue.under_way
                if answer.cell[0] == cell_id and answer.cell[1] != run_id
            ]
            self.queue.stop(earlier)

    # %llm_jobs.

    def list_jobs(self) -> Listing:
        """Return the jobs; what waits for the user is asked first."""
        self.questions.ask_waiting()
        rows = [
            {
                "job": str(answer.number),
                "state": answer.state,
                "characters": str(len(answer.response.text)),
                "question": answer.question,
                "error": "" if answer.error is None else " ".join(str(answer.error).split()),
            }
            for answer in self.queue.answers
        ]
        columns = ["job", "state", "characters", "question"]
        columns += ["error"] if any(row["error"] for row in rows) else []
        return Listing(columns, {"": rows}, "" if rows else "No answer is in the background.")

    def show(self, number: int, options: RenderOptions) -> None:
        """Show the answer of a job below the running cell, and put its code into the next one.

        Args:
            number: of the job.
            options: how it is shown.

        Raises:
            UsageError: no job has this number.
        """
        answer = self.find(number)
        self.questions.ask_waiting()
        response = answer.response
        if response.text:
            render_turn(Turn(answer.question, response), choose_display(self._shell), options)
        if not answer.is_done or not response.text:
            print_line(f"Job {number}: {answer.state}; {len(response.text)} characters so far.")
        elif answer.offer_code is not None:
            answer.offer_code()

    def find(self, number: int) -> BackgroundAnswer:
        """Return a job by its number.

        Raises:
            UsageError: no job has this number.
        """
        for answer in self.queue.answers:
            if answer.number == number:
                return answer
        raise UsageError(f"there is no job {number}; %llm_jobs lists them")

    def stop(self, word: str) -> str:
        """Stop a job by its number, or ``all``, and return a line that says so.

        Raises:
            UsageError: no job has this number.
        """
        if word != "all" and not word.isdecimal():
            raise UsageError("%llm_jobs --stop takes the number of a job, or all")
        answers = self.queue.under_way if word == "all" else [self.find(int(word))]
        count = self.queue.stop(answers)
        if not count:
            return "No answer is under way." if word == "all" else f"Job {word} has ended already."
        return f"Stopped {count} of the jobs." if word == "all" else f"Stopped job {word}."

    def close(self) -> None:
        """Stop all jobs; what had arrived of their answers is kept."""
        self.queue.close()


def under_way_notice(count: int) -> str:
    """Return the line below an answer that was asked while others are under way, or nothing."""
    if not count:
        return ""
    answers = "1 answer is" if count == 1 else f"{count} answers are"
    return f"{answers} still under way in this conversation, and not sent with this question"


class JobApproval:
    """Asks the user about the tool calls of one job: see `cellmage.pipeline.tools.Approve`.

    Args:
        approval: asks about the calls of cells; what the user allows always is allowed here, too.
        questions: asks on the main thread, where buttons do not act.

    Attributes:
        number: of the job.
    """

    def __init__(self, approval: ToolApproval, questions: MainThreadQuestions) -> None:
        self.number = 0
        self._approval = approval
        self._questions = questions
        self._is_stopped = False
        # Its own set: what is allowed for a cell that runs is not allowed for jobs.
        self._cards = ApprovalCards()

    def __call__(self, call: ToolCall) -> Decision:
        """Return whether a call may run, from the thread of the job."""
        allowed = self._cards.allowed
        allowed |= self._approval.allowed - CELL_TOOLS
        if self._is_stopped:
            return False
        if not self._approval.buttons.is_there():
            return call.name in allowed or self._ask(call)
        decision = self._cards(call)
        self._approval.allowed |= allowed - CELL_TOOLS
        return decision

    def _ask(self, call: ToolCall) -> Decision:
        print_line(f"Job {self.number} waits for you: run %llm_jobs to answer whether a tool runs.")
        result: Decision = self._questions.ask(lambda: ask_user(call), lambda: self._is_stopped)
        return result

    def stop(self) -> None:
        """Refuse the calls that wait for the user."""
        self._is_stopped = True
        self._cards.refuse()
