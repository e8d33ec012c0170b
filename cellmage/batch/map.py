"""`cellmage.map`: one prompt for many rows."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from ..arguments import FLAG, Kind, check, choice_of, number, optional, whole_number
from ..options import OptionFields, Options
from ..output_schema import make_schema
from .asker import RowTask
from .concurrency import Concurrency
from .results import Results
from .rows import PromptOf, make_prompts

Engine = Literal["local", "ray", "dask"]
When = Literal["now", "cheap"]

_ENGINES: Mapping[str, str] = {"ray": ".engines.ray_engine", "dask": ".engines.dask_engine"}
"""The modules of the engines for more than one machine; each has a function `map_rows`."""

_CHEAP = ".provider_batches"
"""The module of the providers' batch endpoints; its function is `map_rows`."""

_KINDS: Mapping[str, Kind[Any]] = {
    "concurrency": Kind(
        'a number of rows, or "auto"',
        lambda value: value if value == "auto" else whole_number(1).convert(value),
    ),
    "budget": optional(number("US dollars above 0", lambda value: value > 0)),
    "resume": FLAG,
    "engine": choice_of("local", *_ENGINES),
    "when": choice_of("now", "cheap"),
}


def map_rows(  # noqa: PLR0913 - keyword arguments
    template: str | PromptOf,
    rows: Any,
    *,
    schema: Any = None,
    out: str | os.PathLike[str] | None = None,
    concurrency: Concurrency = "auto",
    budget: float | None = None,
    resume: bool = True,
    engine: Engine = "local",
    when: When = "now",
    show_progress: bool = True,
    **options: Unpack[OptionFields],
) -> Any:
    """Ask a model about each row, many at once, and return the results in the rows' order.

    The rate follows the limits that the server tells, and the number of rows at once what it can
    do. A row that fails for now is asked again later; one that fails for good has an error in its
    result, and the others go on. There are no tools, no earlier turns, and no turn is made.

    Args:
        template: the prompt, with ``{{ expression }}`` for what differs: the fields of a row by
            their names, ``row``, or ``item``; or a function that returns the prompt of a row.
        rows: a list or any other iterable, a DataFrame of pandas or polars, a table of pyarrow.
        schema: a pydantic model or a JSON schema; each value is then one of it, else a text.
        out: a file (``.jsonl`` or ``.parquet``) to which the results are written while they
            arrive; they are not kept in memory then.
        concurrency: how many rows are asked at once; "auto" finds it.
        budget: US dollars; when the answers have cost that much, no further row is asked.
        resume: True takes the answers of an earlier call, also one that was interrupted or killed,
            for rows of the same prompt, model and options; only missing ones are asked.
        engine: "local"; "ray" and "dask" use several machines.
        when: "cheap" uses the provider's batch endpoint, which costs half and takes hours.
        show_progress: False shows no progress.
        options: options by name, such as ``model="gpt-6-luna"`` or ``system="Be brief."``.

    Returns:
        `Results`; with ``when="cheap"`` what its module returns.

    Raises:
        UsageError, ConfigError: an argument cannot be used; nothing was sent.
        KeyboardInterrupt: the user stopped it. The answers so far are kept: the same call asks
            only the missing ones.

    Example:
        >>> results = map_rows("Say {{ word }}", [{"word": "hi"}], model="offline/echo")
        >>> results.values
        ['Say hi']
    """
    arguments = {"concurrency": concurrency, "budget": budget, "resume": resume}
    # Not at the top: they import SQLite and displays, which `import cellmage` need not wait for.
    from .progress import Progress, choose_show  # noqa: PLC0415
    from .run import BatchOptions, run_batch  # noqa: PLC0415

    for name, value in {**arguments, "engine": engine, "when": when}.items():
        check(name, value, _KINDS[name])
    model_options = Options.from_fields(options)
    task = RowTask(model_options, make_schema(schema))
    batch_options = BatchOptions(
        out=None if out is None else Path(out),
        concurrency=concurrency,
        budget=budget,
        resume=resume,
    )
    if when == "cheap" or engine != "local":
        module = importlib.import_module(
            _CHEAP if when == "cheap" else _ENGINES[engine], __package__
        )
        return module.map_rows(task, template, rows, batch_options)
    progress = Progress(choose_show(not show_progress))
    results: Results = run_batch(task, rows, make_prompts(template), batch_options, progress)
    return results
