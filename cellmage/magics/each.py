"""``%%llm --each NAME``: the prompt of a cell for each row of a variable."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from ..batch.asker import RowTask
from ..batch.progress import Progress, choose_show
from ..batch.results import Results
from ..batch.rows import make_prompts
from ..batch.run import BatchOptions, run_batch
from ..content import Part
from ..describe import Level, describe, message_of
from ..errors import UsageError
from ..options import Options
from ..output_schema import OutputSchema
from ..text import excerpt
from .lookup import nearest_variable


def ask_each(  # noqa: PLR0913, PLR0917 - what a cell and the settings say
    args: Namespace,
    text: str,
    variables: Mapping[str, Any],
    options: Options,
    schema: OutputSchema | None,
    level: Level,
    budget: float | None,
) -> Results:
    """Ask about each row, and return the results.

    Args:
        args: the flags of ``%%llm``.
        text: the prompt, with expressions for what differs.
        variables: the variables of the user, by name.
        options: the options of every row.
        schema: the schema of the answers' values; None for text.
        level: what may be sent of tables that the prompt names.
        budget: US dollars that are left.

    Raises:
        UsageError: there is no such variable, or it has no rows.
    """
    if args.each not in variables:
        name = excerpt(args.each)
        advice = nearest_variable(args.each, variables, _has_rows) or "give a list or a DataFrame"
        raise UsageError(f"--each {name}: {name} is not defined; {advice}")

    def insert(source: str, value: Any) -> Sequence[Part]:
        return describe(value, level).parts

    def explain(error: Exception, source: str) -> str:
        return message_of(error, source, level)

    prompt_of = make_prompts(
        text, variables, everywhere=bool(args.interpolate), insert=insert, explain=explain
    )
    if args.interpolate is False:
        raise UsageError("--each needs the values of rows: leave out --no-interpolate")
    how = BatchOptions(budget=budget, resume=not args.fresh)
    rows = variables[args.each]
    return run_batch(RowTask(options, schema), rows, prompt_of, how, Progress(choose_show()))


def _has_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) or hasattr(value, "columns")
