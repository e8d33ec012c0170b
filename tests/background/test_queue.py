"""Jobs beside the caller: so many at a time, in order; each ends in its own way."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cellmage import CellmageError, Conversation
from cellmage.background.answer import BackgroundAnswer
from cellmage.background.questions import MainThreadQuestions
from cellmage.background.queue import JobQueue
from cellmage.stream.response_stream import ResponseStream
from cellmage.testing import Exchange, Reply, ScriptedServer, answer, chunk


@pytest.fixture
def queue() -> Iterator[JobQueue]:
    queue = JobQueue(max_running=2)
    yield queue
    queue.close()


class Jobs:
    """Adds jobs to a queue; the server holds each answer until its gate is open."""

    def __init__(self, queue: JobQueue, server: ScriptedServer) -> None:
        self.queue = queue
        self.gate = threading.Event()
        self.chat = Conversation()
        self.asked: list[str] = []
        server.play_with(self._reply)

    def _reply(self, exchange: Exchange) -> Reply:
        self.asked.append(exchange.messages[-1][1])
        self.gate.wait(10)
        return Reply(answer(f"to {exchange.messages[-1][1]}", 1))

    def add(self, question: str, questions: MainThreadQuestions | None = None) -> BackgroundAnswer:
        stream = self.chat.stream(question, model="m")
        job = BackgroundAnswer(len(self.queue.answers) + 1, [stream], stream, questions)
        self.chat.history.reserve(stream.id, None)
        stream.announce()
        self.queue.add(job, lambda: list(stream))
        return job


@pytest.fixture
def jobs(queue: JobQueue, connected: ScriptedServer) -> Jobs:
    return Jobs(queue, connected)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_jobs_run_so_many_at_a_time_and_in_order(jobs: Jobs) -> None:
    added = [jobs.add(f"q{n}") for n in range(6)]
    wait_until(lambda: len(jobs.asked) == 2)
    assert [job.state for job in added] == ["answering"] * 2 + ["waiting"] * 4
    assert len(jobs.queue.under_way) == 6
    jobs.gate.set()
    assert [job.result(10).text for job in added] == [f"to q{n}" for n in range(6)]
    assert sorted(jobs.asked[:2]) == ["q0", "q1"]
    assert [job.state for job in jobs.queue.answers] == ["complete"] * 6
    assert [turn.prompt for turn in jobs.chat.turns] == [f"q{n}" for n in range(6)]


def test_a_job_is_its_response(jobs: Jobs) -> None:
    jobs.gate.set()
    job = jobs.add("q")
    assert asyncio.run(_await(job)).text == job.text == "to q"
    assert job.usage == job.response.usage
    assert repr(job) == "<BackgroundAnswer: job 1, complete, 4 characters>"
    with pytest.raises(AttributeError):
        _ = job._unknown
    with pytest.raises(CellmageError):
        pickle.dumps(job)


async def _await(job: BackgroundAnswer) -> object:
    return await job


def test_a_wait_may_be_too_short(jobs: Jobs) -> None:
    job = jobs.add("q")
    with pytest.raises(TimeoutError, match=r"job 1 has not ended within 0\.01 s"):
        job.result(0.01)
    jobs.gate.set()
    assert job.result(10).text == "to q"


def test_a_job_that_is_stopped_keeps_what_had_arrived(
    jobs: Jobs, connected: ScriptedServer
) -> None:
    connected.play_with(lambda _: Reply([chunk("half "), chunk("of it ")], end="hang"))
    running, other = jobs.add("q0"), jobs.add("q1")
    waiting = jobs.add("q2")
    wait_until(lambda: running.text == other.text == "half of it ")
    assert jobs.queue.stop([waiting, running]) == 2
    assert (running.state, running.result().text) == ("partial", "half of it ")
    assert (waiting.state, waiting.text, waiting.has_begun) == ("partial", "", False)
    assert other.state == "answering"
    assert jobs.queue.stop([waiting, running]) == 0
    jobs.queue.close()
    assert [turn.state for turn in jobs.chat.turns] == ["partial"] * 2


def test_an_error_is_the_jobs_own(jobs: Jobs, connected: ScriptedServer) -> None:
    connected.play_with(lambda _: Reply(status=400, content_type="application/json"))
    job = jobs.add("q")
    with pytest.raises(CellmageError):
        job.result(10)
    assert (job.state, type(job.error).__name__) == ("failed", "HTTPStatusError")


def test_only_the_last_jobs_are_listed(jobs: Jobs) -> None:
    jobs.gate.set()
    for number in range(150):
        stream: ResponseStream = jobs.chat.stream("q", model="offline/echo")
        job = BackgroundAnswer(number, [stream], stream)
        jobs.queue.add(job, lambda stream=stream: list(stream))
    wait_until(lambda: not jobs.queue.under_way)
    assert [job.number for job in jobs.queue.answers] == list(range(50, 150))


def test_a_question_waits_for_the_main_thread(jobs: Jobs) -> None:
    questions = MainThreadQuestions()
    threads: list[threading.Thread] = []
    stream = jobs.chat.stream("q", model="offline/echo")
    job = BackgroundAnswer(1, [stream], stream, questions)

    def ask() -> str:
        threads.append(threading.current_thread())
        return "yes"

    answers: list[str] = []

    def work() -> None:
        answers.append(questions.ask(ask, lambda: False))
        list(stream)

    jobs.queue.add(job, work)
    wait_until(lambda: len(questions) == 1)
    assert job.result(10).text == "q"
    assert (threads, answers) == ([threading.main_thread()], ["yes"])
    assert questions.ask_waiting() == 0


def test_the_error_of_a_question_is_raised_where_it_is_awaited() -> None:
    questions = MainThreadQuestions()
    errors: list[str] = []

    def wait() -> None:
        try:
            questions.ask(lambda: 1 / 0, lambda: False)
        except ZeroDivisionError as error:
            errors.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: len(questions) == 1)
    assert questions.ask_waiting() == 1
    thread.join()
    assert errors == ["division by zero"]


def test_a_question_of_no_use_is_not_asked() -> None:
    questions = MainThreadQuestions()
    assert questions.ask(lambda: True, lambda: True) is False
    assert questions.ask_waiting() == 0


def test_finished_jobs_keep_no_stream(jobs: Jobs) -> None:
    jobs.gate.set()
    job = jobs.add("q")
    job.result(10)
    assert (job._streams, job._selected) == ((), None)
