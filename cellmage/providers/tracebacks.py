"""Tracebacks without the frames of other packages, whose variables contain keys."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

_PACKAGE = str(Path(__file__).parents[1])


def drop_foreign_frames(error: BaseException) -> None:
    """Keep only frames of this package in the traceback of an error, and drop its causes.

    Args:
        error: an error that is about to be raised; the frames that it passes later are kept.

    Example:
        >>> import json
        >>> try:
        ...     json.loads("{")
        ... except ValueError as error:
        ...     drop_foreign_frames(error)
        ...     print(error.__traceback__)
        None
    """
    error.__cause__ = error.__context__ = None
    traceback: TracebackType | None = None
    for step in reversed(_steps(error)):
        if step.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            traceback = TracebackType(traceback, step.tb_frame, step.tb_lasti, step.tb_lineno)
    error.__traceback__ = traceback


def _steps(error: BaseException) -> list[TracebackType]:
    """Return the steps of a traceback, outermost first."""
    steps: list[TracebackType] = []
    step = error.__traceback__
    while step is not None:
        steps.append(step)
        step = step.tb_next
    return steps
