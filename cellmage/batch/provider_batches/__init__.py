"""`cellmage.map` with ``when="cheap"``: the batch endpoints of OpenAI and Anthropic."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from ...errors import CellmageError, UsageError
from ...messages import Request
from ...recording import default_recorder
from ...runtime.sync_stream import SyncStream
from ..asker import RowAsker, RowTask
from ..kept_answers import KeptAnswers
from ..row_result import RowResult
from ..rows import PromptOf, iterate_rows, make_prompts
from ..run import BatchOptions
from .job import BatchJob as BatchJob
from .job_state import JobRow
from .job_state import Waits as Waits
from .job_store import JobStore, RowKey, StoredBatch
from .submission import Submission
from .target import find_target


def map_rows(task: RowTask, template: str | PromptOf, rows: Any, options: BatchOptions) -> BatchJob:
    """Upload the rows as batches of their provider, and return the job.

    The same call finds its batches again, in any kernel: a row is uploaded only if it has no
    answer yet and is in no batch under way.

    Args:
        task: what is the same for all rows.
        template: makes the prompt of a row.
        rows: the rows.
        options: ``out`` and ``resume`` apply.

    Raises:
        UsageError: the model has no batch endpoint, or a recording is in force.
        ConfigError: it has no key, or batches cannot be noted.
        ProviderError: the upload failed.
    """
    if options.budget is not None:
        raise UsageError(
            "a batch is asked as a whole, so `budget` cannot stop it; leave it out, or use "
            '`when="now"`',
            option="budget",
        )
    if default_recorder() is not None:
        raise UsageError(
            'a recording is in force, which batches cannot use; use `when="now"`', option="when"
        )
    target, store = find_target(task.full_options()), JobStore()
    job_rows, requests = _plan(RowAsker(task), make_prompts(template), rows, options.resume)
    batches: list[StoredBatch] = []
    if requests:
        submission = Submission(target, store, requests, options.resume)
        with SyncStream(_submit(submission)) as stream:
            batches = [batch for result in stream.batches() for batch in result]
    return BatchJob(task, target, job_rows, batches, options, store)


async def _submit(submission: Submission) -> AsyncGenerator[StoredBatch, None]:
    for batch in await submission.run():
        yield batch


def _plan(
    asker: RowAsker, prompt_of: PromptOf, rows: Any, resume: bool
) -> tuple[list[JobRow], dict[RowKey, Request]]:
    """Return the rows, and the requests of those that must be asked."""
    planned, requests, numbers = list[JobRow](), dict[RowKey, Request](), Counter[str]()
    with KeptAnswers(reads=resume) as keeper:
        for index, row in enumerate(iterate_rows(rows)):
            planned.append(job_row := JobRow(index, row))
            try:
                request = asker.request(_prompt(prompt_of, row))
            except CellmageError as error:
                job_row.result = RowResult(index, error=error, row=row, attempts=0)
                continue
            key = asker.inputs(request).key
            numbers[key] += 1
            job_row.key = (key, numbers[key])
            response = keeper.find(*job_row.key)
            if response is None:
                requests[job_row.key] = request
                continue
            try:
                value = asker.task.value_of(response)
                job_row.result = RowResult(index, value, response, None, row, 0)
            except CellmageError as error:
                job_row.result = RowResult(index, None, response, error, row, 0)
    return planned, requests


def _prompt(prompt_of: PromptOf, row: Any) -> Any:
    try:
        return prompt_of(row)
    except CellmageError:
        raise
    except Exception as error:
        raise UsageError(
            f"the prompt could not be made: {type(error).__name__}: {error}"
        ) from error
