"""Run the checks, and print their lines as a text that can be pasted into a report."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ..errors import CellmageError
from ..printing import write_text
from ..providers.environment import ENVIRON
from ..providers.keys import MIN_KEY_CHARS, Key
from ..providers.keystore import known_keys
from ..providers.masking import mask_error, mask_key
from .checks import (
    Line,
    check_addresses,
    check_files,
    check_front_end,
    check_keys,
    check_store,
    check_versions,
)
from .hosts import check_hosts

Check = Callable[[], Iterator[Line]]

CHECKS: Mapping[str, Check] = {
    "versions": check_versions,
    "front end": check_front_end,
    "keys, by name": check_keys,
    "addresses": check_addresses,
    "stored conversations": check_store,
    "files of settings": check_files,
}
"""What is always looked at, in the order of the report."""

ON_REQUEST: Mapping[str, Check] = {"hosts": check_hosts}
"""What is looked at if its flag is given."""


def run_doctor(arguments: list[str]) -> int:
    """Print what a report about a problem should say.

    Args:
        arguments: the command line after ``doctor``.

    Returns:
        the exit status, which is 0: what is wrong is in the text.
    """
    args = _parser().parse_args(arguments)
    requested = {title: check for title, check in ON_REQUEST.items() if getattr(args, title)}
    for line in report_lines({**CHECKS, **requested}):
        write_text(f"{line}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m cellmage doctor",
        description="Print versions, names of keys, and states of files, for a report about a "
        "problem. No key is shown, and nothing is sent.",
    )
    parser.add_argument("--hosts", action="store_true", help="also try to reach the servers")
    return parser


def report_lines(checks: Mapping[str, Check]) -> Iterator[str]:
    """Yield the lines of the report; a check that fails says so in its place."""
    keys = [key for key in _all_keys() if len(key) >= MIN_KEY_CHARS]
    for title, check in checks.items():
        yield title
        for name, text in _run(check):
            yield _hide(f"  {name:<17} {text}", keys)


def _run(check: Check) -> Iterable[Line]:
    try:
        return list(check())
    except (CellmageError, OSError) as error:
        return [("problem", str(error))]


def _all_keys() -> Iterable[Key]:
    try:
        return known_keys(ENVIRON).values()
    except CellmageError:  # `check_keys` reports it
        return ()


def _hide(text: str, keys: Iterable[Key]) -> str:
    """Return a line without keys, should any have come into it, and without the user's name."""
    for key in keys:
        text = mask_key(text, key)
    return mask_error(text).replace(str(Path.home()), "~")
