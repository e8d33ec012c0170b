"""The driver of a batch on an engine: parts in, reports out, while the progress is shown."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ConfigError, UsageError
from ...fingerprint import fingerprint
from ..asker import RowTask
from ..columns import value_columns
from ..progress import Progress, choose_show
from ..results import Results
from ..row_result import Counts, RowResult
from ..rows import PromptOf, make_prompts
from ..run import BatchOptions
from .part_worker import Job, PartReport
from .parts import Part, make_parts

_FOLDER = "_batch"
"""The folder within that of the results; readers of parquet folders skip names with ``_``."""

_NAME = "batch.json"

Runner = Callable[[Job, Sequence[Part]], Generator[PartReport]]
"""A function that lets an engine answer all parts, and yields their reports as they come."""


def import_package(name: str, extra: str) -> Any:
    """Return a module of an engine.

    Raises:
        ConfigError: its package is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        message = f"the engine {extra!r} needs a package: pip install 'cellmage[{extra}]'"
        raise ConfigError(message) from None


def run_on_engine(
    task: RowTask, template: str | PromptOf, rows: Any, options: BatchOptions, run: Runner
) -> Results:
    """Ask all rows on an engine, and return their results.

    Args:
        task: what is the same for all rows.
        template: as for `make_prompts`.
        rows: a list or a frame; or the path of a parquet file, or of a folder of them.
        options: how the batch runs; ``out`` is a folder, which all workers see.
        run: lets the engine answer the parts.

    Raises:
        UsageError, ConfigError: something cannot be used; nothing was sent.
    """
    make_prompts(template)
    parts = make_parts(rows, as_tables=options.out is not None)
    counts = Counts(sum(part.count for part in parts))
    progress = Progress(choose_show())
    results: list[RowResult] = []
    with _job(task, template, parts, options) as job:
        try:
            for report in _raise_errors(run(job, parts)):
                _add(counts, report)
                results += report.results
                progress.update(counts)
        finally:
            progress.finish(counts)
    results.sort(key=lambda result: result.index)
    return Results(results, replace(counts, total=counts.done), value_columns(task.schema), job.out)


def _raise_errors(reports: Generator[PartReport]) -> Iterator[PartReport]:
    """Yield the reports; the first that says that nothing can be asked ends the batch."""
    with closing(reports):
        for report in reports:
            if report.error is not None:
                raise report.error
            yield report


def _add(counts: Counts, report: PartReport) -> None:
    counts.done += report.done
    counts.failed += report.failed
    counts.kept += report.kept
    counts.spent += report.spent
    counts.is_price_known = counts.is_price_known and report.is_price_known


@contextmanager
def _job(
    task: RowTask, template: str | PromptOf, parts: Sequence[Part], options: BatchOptions
) -> Iterator[Job]:
    name, limits = uuid.uuid4().hex, (options.concurrency, options.budget)
    if options.out is None:
        # The results are in memory: so are those of an interrupted call. A worker that is lost
        # leaves its answers to the next one on its machine.
        folder = Path(tempfile.gettempdir()) / f"cellmage-{name}"
        try:
            yield Job(name, task, template, None, folder, *limits)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    out = options.out.absolute()
    _prepare(out, _identity(task, template, parts), resume=options.resume)
    yield Job(name, task, template, out, out / _FOLDER, *limits)


def _prepare(out: Path, identity: str, *, resume: bool) -> None:
    """Make the folder of the results, or take the one of an earlier call of the same batch."""
    if out.is_file() or out.suffix in {".jsonl", ".ndjson"}:
        raise UsageError(f"{out.name}: an engine writes a folder of parquet files; name a folder")
    note = out / _FOLDER / _NAME
    if not resume:
        _clear(out)
    if not note.exists() and any(out.glob("*")):
        raise UsageError(f"{out}: the folder has other files; name another one")
    note.parent.mkdir(parents=True, exist_ok=True)
    if not note.exists():
        note.write_text(json.dumps({"batch": identity}))
    elif note.read_text() != json.dumps({"batch": identity}):
        raise UsageError(
            f"{out}: the folder has the results of another batch; name another folder, "
            "or replace them with `resume=False`",
            option="resume=False",
        )


def _clear(out: Path) -> None:
    """Remove what an earlier batch has written, and nothing else."""
    if (out / _FOLDER / _NAME).exists():
        for file in out.glob("part-*.parquet"):
            file.unlink()
        shutil.rmtree(out / _FOLDER)


def _identity(task: RowTask, template: str | PromptOf, parts: Sequence[Part]) -> str:
    """Return what differs between two batches: the rows, the prompt, the model, the options."""
    mark = None if isinstance(template, str) else fingerprint(template)
    prompt = template if isinstance(template, str) else mark.digest if mark else ""
    schema = task.schema.json_schema() if task.schema else None
    digest = hashlib.sha256(json.dumps([repr(task.options), prompt, schema], default=str).encode())
    for part in parts:
        digest.update(part.source.identity())
    return digest.hexdigest()
