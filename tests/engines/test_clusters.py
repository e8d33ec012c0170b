"""Real clusters of Ray and Dask on this machine: `make engines`; ROWS=100000 for the whole.

A worker is killed on the way. The figures are printed.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas
import psutil
import pyarrow
import pyarrow.parquet
import pytest

import cellmage

ROWS = int(os.environ.get("ROWS", "3000"))
ROWS_AT_ONCE = 16
MAX_GROWTH_MIB = 150
"""The growth of a process while two thirds of the rows are asked."""

ROOT = Path(__file__).parents[2]
Stats = dict[str, Any]


@contextmanager
def fast_server(delay: float = 0.0, per_minute: int = 0) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.engines.fast_server", str(delay), str(per_minute)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def stats(port: int) -> Stats:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as reply:
        answered: Stats = json.load(reply)
        return answered


@contextmanager
def ray_cluster(workers: int) -> Iterator[None]:
    ray: Any = importlib.import_module("ray")
    for is_last in (False, False, True):
        try:
            ray.init(
                num_cpus=workers,
                object_store_memory=100 * 2**20,
                log_to_driver=False,
                logging_level="ERROR",
                include_dashboard=False,
            )
            break
        except RuntimeError:  # its server has not said its port in time: a busy machine
            ray.shutdown()
            if is_last:
                raise
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def dask_cluster(workers: int) -> Iterator[None]:
    distributed: Any = importlib.import_module("distributed")

    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=2, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield


CLUSTERS: dict[str, Any] = {"ray": ray_cluster, "dask": dask_cluster}


@pytest.fixture(scope="module", params=CLUSTERS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Yield the name of an engine, while a cluster of two workers without the user's keys runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name in [name for name in os.environ if name.startswith(("OPENAI_", "CELLMAGE_"))]:
            patch.delenv(name)
        with CLUSTERS[request.param](2):
            yield request.param


def write_rows(folder: Path, count: int, group: int, files: int = 4) -> None:
    folder.mkdir()
    for file in range(files):
        numbers = list(range(file * count // files, (file + 1) * count // files))
        texts = [f"Number <{number}> " + "word " * 40 for number in numbers]
        table = pyarrow.table({"n": numbers, "text": texts})
        pyarrow.parquet.write_table(table, folder / f"{file}.parquet", row_group_size=group)


def ask(engine: Any, port: int, folder: Path, template: Any, **options: Any) -> Any:
    where = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "fast"}
    rows, out = folder / "rows", folder / "answers"
    return cellmage.map(template, rows, out=out, engine=engine, **where, **options)


def ray_pipeline(function: Any, count: int) -> list[dict[str, Any]]:
    data: Any = importlib.import_module("ray.data")
    rows = data.from_items([{"n": n} for n in range(count)])
    answered: list[dict[str, Any]] = rows.map_batches(function, batch_format="pyarrow").take_all()
    return answered


def dask_pipeline(function: Any, count: int) -> list[dict[str, Any]]:
    frames: Any = importlib.import_module("dask.dataframe")
    rows = frames.from_pandas(pandas.DataFrame({"n": range(count)}), npartitions=4)
    frame = rows.map_partitions(function, meta=function(rows.head(0))).compute()
    answered: list[dict[str, Any]] = (
        frame.astype(object).where(frame.notna(), None).to_dict("records")
    )
    return answered


PIPELINES: dict[str, Any] = {"ray": ray_pipeline, "dask": dask_pipeline}


def note_process(pids: str) -> Callable[[Any], str]:
    """Return a template that notes in which processes it is called."""

    def prompt_of(row: Any) -> str:
        Path(pids, str(os.getpid())).touch()
        return f"Say {row['text']}"

    return prompt_of


class Watch(threading.Thread):
    """Kills one worker after a third of the rows, and measures the memory of all from then on."""

    def __init__(self, port: int, pids: Path) -> None:
        super().__init__(daemon=True)
        self.port, self.pids = port, pids
        self.killed = 0
        self.first: dict[int, float] = {}
        self.most: dict[int, float] = {}
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.25):
            rows = stats(self.port)["rows"]
            if not self.killed and rows > ROWS / 3:
                self.killed = int(min(self.pids.iterdir()).name)
                os.kill(self.killed, signal.SIGKILL)
            elif self.killed and rows > ROWS / 2:
                self.measure()

    def measure(self) -> None:
        for pid in [os.getpid(), *(int(file.name) for file in self.pids.iterdir())]:
            with suppress(psutil.Error):
                size = psutil.Process(pid).memory_info().rss / 2**20
                self.first.setdefault(pid, size)
                self.most[pid] = max(size, self.most.get(pid, 0))


def test_a_killed_worker_costs_its_rows_in_flight(engine: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    write_rows(tmp_path / "rows", ROWS, 5000)
    with fast_server(0.02) as port:
        watch = Watch(port, pids)
        watch.start()
        start = time.monotonic()
        template = note_process(str(pids))
        results = ask(engine, port, tmp_path, template, concurrency=ROWS_AT_ONCE)
        seconds = time.monotonic() - start
        watch.ended.set()
        watch.join()
        requests = stats(port)
    print(f"\n{engine}: {ROWS} rows in {seconds:.0f} s, {ROWS / seconds:.0f} rows/s, a worker")
    print(f"killed; asked twice: {len(requests['often'])} rows; MiB: {watch.first} {watch.most}")
    assert watch.killed
    assert len(list(pids.iterdir())) > 2, "the worker has a successor"
    assert (results.counts.done, results.counts.failed) == (ROWS, 0)
    first = 0
    for file in sorted((tmp_path / "answers").glob("*.parquet")):
        for row in pyarrow.parquet.read_table(file).to_pylist():
            assert (row["n"], row["answer"], row["error"]) == (first, f"answer {first}", None)
            first += 1
    assert first == ROWS
    assert requests["requests"] - ROWS <= ROWS_AT_ONCE
    assert all(watch.most[pid] - watch.first[pid] < MAX_GROWTH_MIB for pid in watch.most)


def test_the_rate_is_that_of_all_workers(engine: str, tmp_path: Path) -> None:
    per_minute, count = 1800, 600
    write_rows(tmp_path / "rows", count, 50)
    with fast_server(0.02, per_minute) as port:
        results = ask(engine, port, tmp_path, "Say {{ text }}")
        requests = stats(port)
    print(f"\n{engine}: {count} rows at {60 * count / requests['seconds']:.0f} in a minute of")
    print(f"{per_minute}; refused: {requests['refused']}")
    assert (results.counts.done, results.counts.failed) == (count, 0)
    assert requests["requests"] == count
    assert requests["refused"] <= 0.02 * count


def test_map_batch_is_a_function_of_a_pipeline(engine: str) -> None:
    say = partial(cellmage.map_batch, template="Say {{ n }}", model="offline/echo")
    expected = [{"n": n, "answer": f"Say {n}", "error": None} for n in range(40)]
    answered = PIPELINES[engine](say, 40)
    assert sorted(answered, key=lambda row: row["n"]) == expected


def test_a_model_without_a_key_is_said_at_once(engine: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", 10, 5)
    with pytest.raises(cellmage.ConfigError, match="key"):
        cellmage.map(
            "{{ n }}",
            tmp_path / "rows",
            out=tmp_path / "o",
            engine=engine,
            model="openai/gpt-6-luna",
        )


@pytest.mark.parametrize("name", CLUSTERS)
def test_two_workers_are_faster_than_one(name: str, tmp_path: Path) -> None:
    count, seconds = 320, {}
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        write_rows(folder / "rows", count, 20)
        with CLUSTERS[name](workers), fast_server(0.5) as port:
            ask(name, port, folder, "Say {{ text }}", concurrency=8)
            seconds[workers] = stats(port)["seconds"]
    print(f"\n{name}: {count} rows, 8 at once in each worker: {seconds} s")
    assert seconds[1] / seconds[2] > 1.6
