"""The engine "ray": a pool of actors of Ray Data answers the parts.

The driver reads and writes no rows: a part of a parquet folder is a few names to Ray's object
store, and its report a few numbers.
"""

from __future__ import annotations

import pickle
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..asker import RowTask
from ..results import Results
from ..rows import PromptOf
from ..run import BatchOptions
from .driver import import_package, run_on_engine
from .part_worker import Job, PartReport, PartWorker
from .parts import Part
from .shared_rate import Grant, Message, RateOwner

_THREADS = 2
"""The parts that an actor answers at once: the last rows of one do not hold up the next one."""


def map_rows(task: RowTask, template: str | PromptOf, rows: Any, options: BatchOptions) -> Results:
    """Ask all rows on the Ray cluster of this process; without one, on this machine.

    Args:
        task, template, rows, options: as for `run_on_engine`.

    Raises:
        ConfigError: Ray is not installed.
    """
    import_package("ray.data", "ray")
    return run_on_engine(task, template, rows, options, _run)


class PartActor:
    """An actor of the pool: an event loop and connections, which it keeps from part to part.

    Args:
        job: what is the same for all parts, pickled.
        owner: the actor that owns the rate.
    """

    def __init__(self, job: bytes, owner: Any) -> None:
        async def exchange(message: Message) -> Grant:
            grant: Grant = await owner.exchange.remote(message)
            return grant

        self._worker = PartWorker(pickle.loads(job), exchange, _THREADS)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Answer the parts of a batch."""
        reports = (self._worker.run(pickle.loads(part)) for part in batch["part"])
        dump = import_package("ray", "ray").cloudpickle.dumps
        return {"report": [dump(report) for report in reports]}


def _run(job: Job, parts: Sequence[Part]) -> Generator[PartReport]:
    if not parts:
        return
    ray = import_package("ray", "ray")
    dump = ray.cloudpickle.dumps  # also functions and classes of a notebook
    with _cluster(ray):
        owner = _start_owner(ray)
        try:
            dataset = ray.data.from_items(
                [{"part": dump(part)} for part in parts], override_num_blocks=len(parts)
            )
            dataset.context.enable_progress_bars = False
            dataset.context.print_on_execution_start = False
            reports = dataset.map_batches(
                PartActor,
                batch_size=1,
                fn_constructor_args=(dump(job), owner),
                compute=_pool(ray, len(parts)),
            )
            for batch in reports.iter_batches(batch_size=1, prefetch_batches=0):
                yield pickle.loads(batch["report"][0])
        finally:
            ray.kill(owner)


def _pool(ray: Any, parts: int) -> Any:
    """Return a pool of an actor for each processor of the cluster, and no more than needed."""
    processors = int(ray.cluster_resources().get("CPU", 1))
    return ray.data.ActorPoolStrategy(
        size=max(1, min(processors, parts)),
        max_tasks_in_flight_per_actor=_THREADS,
        max_concurrent_calls_per_actor=_THREADS,
        enable_true_multi_threading=True,
    )


def _start_owner(ray: Any) -> Any:
    """Start the owner of the rate beside the driver: a machine that is lost takes it not along."""
    strategies = import_package("ray.util.scheduling_strategies", "ray")
    here = ray.get_runtime_context().get_node_id()
    actor = ray.remote(
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=-1,
        scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(here, soft=True),
    )(RateOwner)
    return actor.remote()


@contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    """Connect to the cluster that Ray finds, or start one here; leave it only if it is ours."""
    if ray.is_initialized():
        yield
        return
    ray.init(log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()
