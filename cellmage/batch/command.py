"""``python -m cellmage map``: ask about each line of a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import CellmageError, UsageError, spell_option
from ..foreign_files import read_text_file
from ..options import EFFORTS
from ..printing import write_text
from .map import map_rows
from .rows import make_prompts

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130
_MAX_SCHEMA_BYTES = 2**20
_PROMPT = "prompt"

_SPELLINGS: Mapping[str, str] = {
    "budget": "--budget USD",
    "concurrency": "--concurrency N",
    "model": "--model NAME",
    "max_tokens": "--max-tokens N",
    "temperature": "--temperature T",
}
"""The flags for the options that a message names; the others can be set in Python alone."""


def run_map(arguments: list[str]) -> int:
    """Ask about each line of a file, and write the results to another.

    Args:
        arguments: the command line after ``map``.

    Returns:
        the exit status: 0, 1 after an error or if a row failed, 130 after Ctrl-C.
    """
    args = _parser().parse_args(arguments)
    try:
        results = _ask(args)
    except CellmageError as error:
        option = error.option or ""
        spelling = _SPELLINGS.get(option, f"`{option}` (in Python)")
        write_text(f"{spell_option(str(error), option, spelling)}\n", sys.stderr)
        return _EXIT_FAILED
    except KeyboardInterrupt:
        write_text("\nstopped; the same command asks the missing rows\n", sys.stderr)
        return _EXIT_INTERRUPTED
    write_text(f"\n{results.counts.describe()}; written to {args.out}\n", sys.stderr)
    return _EXIT_FAILED if results.counts.failed else 0


def _ask(args: argparse.Namespace) -> Any:
    if args.out.exists() and args.out.samefile(args.prompts):
        raise UsageError(f"{args.out} is the file of the prompts; give another one with --out")
    options = {
        name: getattr(args, name)
        for name in ("model", "temperature", "effort", "max_tokens", "system")
    }
    return map_rows(
        make_prompts(args.template) if args.template else _prompt_of,
        _read_rows(args.prompts),
        schema=_read_schema(args.schema) if args.schema else None,
        out=args.out,
        concurrency=args.concurrency or "auto",
        budget=args.budget,
        resume=not args.fresh,
        **options,
    )


def _read_rows(path: Path) -> Iterator[Any]:
    """Yield the values of the lines; a line that is not JSON is an error with its number."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read_line(line, number)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _read_line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise UsageError(f"line {number} is not JSON; give one value a line") from None


def _prompt_of(row: Any) -> str:
    """Return the prompt of a row: the row itself if it is a text, else its field "prompt"."""
    if isinstance(row, Mapping):
        row = row.get(_PROMPT)
    if not isinstance(row, str):
        raise UsageError(f"the line is neither a text nor has it a {_PROMPT!r}; give --template")
    return row


def _read_schema(path: Path) -> Any:
    try:
        return json.loads(read_text_file(path, _MAX_SCHEMA_BYTES))
    except ValueError:
        raise UsageError(f"--schema {path}: it is not a JSON schema") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m cellmage map",
        description="Ask a model about each line of a file, many at once. Each line is JSON: a "
        "text, or an object with the field 'prompt'. The answers are written in the same order. "
        "A command that was stopped or killed asks only the missing rows when it is run again.",
    )
    parser.add_argument("prompts", type=Path, help="the file, one JSON value a line")
    parser.add_argument("--out", type=Path, required=True, help="a .jsonl or .parquet file")
    parser.add_argument("-m", "--model", help="the model, as provider/model or a bare name")
    parser.add_argument(
        "--template", metavar="TEXT", help="the prompt, with {{ field }} for the fields of a line"
    )
    parser.add_argument("-t", "--temperature", type=float, help="sampling, from 0 to 2")
    parser.add_argument("--effort", choices=EFFORTS, help="how much the model reasons")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer, in tokens")
    parser.add_argument("-s", "--system", help="the system prompt")
    parser.add_argument("--schema", type=Path, metavar="FILE", help="a JSON schema of the answers")
    parser.add_argument("--concurrency", type=int, metavar="N", help="rows at once; else found")
    parser.add_argument(
        "--budget", type=float, metavar="USD", help="ask no further row at this cost"
    )
    parser.add_argument("--fresh", action="store_true", help="ask rows that were answered before")
    return parser
