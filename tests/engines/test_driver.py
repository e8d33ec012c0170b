"""The driver and the workers, with threads of this process in place of a cluster."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from cellmage import ConfigError, Options, UsageError
from cellmage.batch.asker import RowTask
from cellmage.batch.engines.driver import import_package, run_on_engine
from cellmage.batch.engines.part_worker import Job, PartReport, PartWorker
from cellmage.batch.engines.parts import Part
from cellmage.batch.engines.shared_rate import Grant, Message, RateOwner
from cellmage.batch.results import Results
from cellmage.batch.run import BatchOptions
from cellmage.output_schema import OutputSchema
from cellmage.testing import ScriptedServer, answer
from cellmage.testing.replies import Exchange, Reply

ECHO = RowTask(Options(model="offline/echo"))


class Workers:
    """Two workers; what is sent to them and back is pickled, as between machines."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.owner = RateOwner()
        self.lock = threading.Lock()
        self.fail_after = fail_after

    async def exchange(self, message: Message) -> Grant:
        with self.lock:
            return self.owner.exchange(message)

    def run(self, job: Job, parts: Sequence[Part]) -> Generator[PartReport]:
        workers = [PartWorker(pickle.loads(pickle.dumps(job)), self.exchange, 2) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            tasks = [pool.submit(workers[part.index % 2].run, part) for part in parts]
            for count, task in enumerate(as_completed(tasks)):
                if count == self.fail_after:
                    pool.shutdown(cancel_futures=True)
                    raise KeyboardInterrupt
                yield pickle.loads(pickle.dumps(task.result()))


def ask(rows: Any, template: Any = "Say {{ n }}", task: RowTask = ECHO, **options: Any) -> Results:
    workers = options.pop("workers", None) or Workers()
    return run_on_engine(task, template, rows, BatchOptions(**options), workers.run)


def to_server(server: ScriptedServer) -> RowTask:
    return RowTask(Options(base_url=server.url, model="m"))


def read(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(folder).to_pylist()
    return rows


ROWS = [{"n": n} for n in range(1200)]


@pytest.mark.slow
def test_results_in_memory_are_in_the_order_of_the_rows() -> None:
    results = ask(ROWS[:1100])
    assert results.values == [f"Say {n}" for n in range(1100)]
    assert (results.counts.done, results.counts.failed) == (1100, 0)
    assert results[7].row == {"n": 7}


@pytest.mark.slow
def test_results_in_a_folder_are_in_the_order_of_the_rows(tmp_path: Path) -> None:
    results = ask(ROWS, out=tmp_path / "out")
    assert (len(results), results.path) == (1200, tmp_path / "out")
    expected = [{"n": n, "answer": f"Say {n}", "error": None} for n in range(1200)]
    assert read(tmp_path / "out") == expected
    files = sorted(file.name for file in (tmp_path / "out").rglob("*.*"))
    assert files == ["batch.json", *(f"part-{n:06}.parquet" for n in range(2))]


def test_no_rows_are_no_results(tmp_path: Path) -> None:
    assert ask([]).values == []
    assert len(ask([], out=tmp_path / "out")) == 0


def test_the_same_call_asks_nothing_again(tmp_path: Path, server: ScriptedServer) -> None:
    for _ in range(2):
        results = ask(ROWS[:30], task=to_server(server), out=tmp_path / "out")
        assert (results.counts.done, len(server.exchanges)) == (30, 30)
    assert results.counts.kept == 30


def test_rows_that_failed_are_asked_again_by_the_same_call(
    tmp_path: Path, server: ScriptedServer
) -> None:
    is_broken = True

    def reply(exchange: Exchange) -> Reply:
        if is_broken and exchange.messages[-1][1] == "Say 3":
            return Reply((b'{"error": {"message": "no"}}',), status=400)
        return Reply(answer("yes"))

    server.play_with(reply)
    first = ask(ROWS[:30], task=to_server(server), out=tmp_path / "out")
    assert first.counts.failed == 1
    assert [row["n"] for row in read(tmp_path / "out") if row["error"]] == [3]
    is_broken = False
    asked = len(server.exchanges)
    second = ask(ROWS[:30], task=to_server(server), out=tmp_path / "out")
    assert (second.counts.failed, second.counts.kept) == (0, 29)
    assert len(server.exchanges) == asked + 1
    assert {row["answer"] for row in read(tmp_path / "out")} == {"yes"}


def test_an_interrupted_call_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(ROWS, out=tmp_path / "out", workers=Workers(fail_after=1))
    done = len(list((tmp_path / "out").glob("*.parquet")))
    assert done >= 1
    results = ask(ROWS, out=tmp_path / "out")
    assert results.counts.kept >= 200 * done
    assert [row["answer"] for row in read(tmp_path / "out")] == [f"Say {n}" for n in range(1200)]


def test_another_batch_does_not_touch_the_folder(tmp_path: Path) -> None:
    ask(ROWS[:5], out=tmp_path / "out")
    with pytest.raises(UsageError, match="the results of another batch"):
        ask(ROWS[:5], "Write {{ n }}", out=tmp_path / "out")
    ask(ROWS[:3], "Write {{ n }}", out=tmp_path / "out", resume=False)
    assert [row["answer"] for row in read(tmp_path / "out")] == ["Write 0", "Write 1", "Write 2"]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    for resume in (True, False):
        with pytest.raises(UsageError, match="has other files"):
            ask(ROWS[:5], out=tmp_path, resume=resume)
    with pytest.raises(UsageError, match="name a folder"):
        ask(ROWS[:5], out=tmp_path / "answers.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def divide(row: dict[str, int]) -> str:
    return f"{1 // row['n']}"


def test_a_prompt_that_cannot_be_made_is_an_error_of_its_row() -> None:
    results = ask([{"n": 1}, {"m": 2}, {"n": 0}], divide)
    assert results.values == ["1", None, None]
    assert [str(error) for error in results.errors.values()] == [
        "the prompt could not be made: KeyError: 'n'",
        "the prompt could not be made: ZeroDivisionError: integer division or modulo by zero",
    ]


def test_a_model_that_cannot_be_asked_ends_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="key"):
        ask(ROWS, task=RowTask(Options(model="openai/gpt-6-luna")))


def test_values_have_columns(tmp_path: Path, server: ScriptedServer) -> None:
    server.play(*answer('{"n": 5, "tags": ["a"]}'))
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "tags": {}}}
    task = RowTask(Options(base_url=server.url, model="m"), OutputSchema(schema, "value"))
    ask([{"text": "one"}], "{{ text }}", task, out=tmp_path / "out")
    expected = {"text": "one", "n": 5, "tags": '["a"]', "error": None}
    assert read(tmp_path / "out") == [expected]


def test_no_key_is_sent_to_the_workers(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    secret = "sk-proj-0123456789abcdefghij"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    sent: list[bytes] = []

    class Spy(Workers):
        def run(self, job: Job, parts: Sequence[Part]) -> Generator[PartReport]:
            sent.append(pickle.dumps((job, parts)))
            yield from super().run(job, parts)

    ask(ROWS[:3], task=to_server(server), workers=Spy())
    assert secret.encode() not in sent[0]


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'cellmage\[ray\]'"):
        import_package("no_such_package", "ray")
