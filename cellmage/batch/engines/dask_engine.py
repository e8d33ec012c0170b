"""The engine "dask": the tasks of `map_partitions` answer the parts, one part a partition."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..asker import RowTask
from ..results import Results
from ..rows import PromptOf
from ..run import BatchOptions
from .driver import import_package, run_on_engine
from .part_worker import Job, PartReport, PartWorker
from .parts import Part
from .shared_rate import Exchange, Grant, Message, RateOwner

_THREADS = 2
"""The threads of a worker of a cluster that is started here."""


def map_rows(task: RowTask, template: str | PromptOf, rows: Any, options: BatchOptions) -> Results:
    """Ask all rows on the Dask cluster of this process; without one, on this machine.

    Args:
        task, template, rows, options: as for `run_on_engine`.

    Raises:
        ConfigError: Dask is not installed.
    """
    for name in ("dask.dataframe", "distributed"):
        import_package(name, "dask")
    return run_on_engine(task, template, rows, options, _run)


def _run(job: Job, parts: Sequence[Part]) -> Generator[PartReport]:
    if not parts:
        return
    distributed = import_package("distributed", "dask")
    dump = import_package("cloudpickle", "dask").dumps  # also functions and classes of a notebook
    with _client(distributed) as client, _owner(client, job):
        partitions = _partitions([dump(part) for part in parts], dump(job), job.id)
        futures = client.compute(partitions)
        try:
            for future in distributed.as_completed(futures):
                for report in future.result()["report"]:
                    yield pickle.loads(report)
                future.release()
        finally:
            client.cancel([future for future in futures if not future.done()])


def _partitions(parts: list[bytes], job: bytes, name: str) -> Any:
    """Return the reports of the parts as delayed frames, one for each part."""
    dask = import_package("dask", "dask")
    frames = import_package("dask.dataframe", "dask")
    # Dask would make texts of bytes.
    with dask.config.set({"dataframe.convert-string": False}):
        rows = frames.from_map(_frame_of_part, parts, meta=_frame("part", []))
        reports = rows.map_partitions(_answer_parts, job, name, meta=_frame("report", []))
        return reports.to_delayed()


def _frame(column: str, values: list[bytes]) -> Any:
    return import_package("pandas", "dask").DataFrame({column: values}, dtype=object)


def _frame_of_part(part: bytes) -> Any:
    return _frame("part", [part])


# In a worker.

_workers: dict[str, PartWorker] = {}
_lock = threading.Lock()


def _answer_parts(parts: Any, job: bytes, name: str) -> Any:
    """Answer the parts of a partition, and return their reports."""
    with _lock:
        if name not in _workers:
            _workers.clear()  # those of earlier batches
            _workers[name] = _make_worker(pickle.loads(job))
        worker = _workers[name]
    reports = (worker.run(pickle.loads(part)) for part in parts["part"])
    dump = import_package("cloudpickle", "dask").dumps
    return _frame("report", [dump(report) for report in reports])


def _make_worker(job: Job) -> PartWorker:
    worker = import_package("distributed", "dask").get_worker()
    return PartWorker(job, _exchange(worker, _handler_name(job)), worker.state.nthreads)


def _exchange(worker: Any, handler: str) -> Exchange:
    """Return a function that asks the scheduler, by the connection that the worker has."""

    async def ask(message: bytes) -> Any:
        return await getattr(worker.scheduler, handler)(message=message)

    async def exchange(message: Message) -> Grant:
        loop = worker.loop.asyncio_loop
        future = asyncio.run_coroutine_threadsafe(ask(pickle.dumps(message)), loop)
        grant: Grant = pickle.loads(await asyncio.wrap_future(future))
        return grant

    return exchange


# In the scheduler.


def _handler_name(job: Job) -> str:
    return f"cellmage_rate_{job.id}"


def _add_handler(name: str, dask_scheduler: Any = None) -> None:
    """Let the scheduler own the rate: it outlives each worker."""
    owner = RateOwner()

    def handle(message: bytes) -> bytes:
        return pickle.dumps(owner.exchange(pickle.loads(message)))

    dask_scheduler.handlers[name] = handle


def _remove_handler(name: str, dask_scheduler: Any = None) -> None:
    dask_scheduler.handlers.pop(name, None)


# In the driver.


@contextmanager
def _owner(client: Any, job: Job) -> Iterator[None]:
    name = _handler_name(job)
    client.run_on_scheduler(_add_handler, name)
    try:
        yield
    finally:
        client.run_on_scheduler(_remove_handler, name)


@contextmanager
def _client(distributed: Any) -> Iterator[Any]:
    """Return the client of this process, or start a cluster here and end it afterwards."""
    client = None
    with suppress(ValueError):  # there is none
        client = distributed.get_client()
    if client is not None:
        yield client
        return
    with (
        distributed.LocalCluster(threads_per_worker=_THREADS, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
