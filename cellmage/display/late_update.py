"""Publish a cell's last frames again after its end, because the server may have dropped them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from IPython.core.getipython import get_ipython

_PAUSE_SECONDS = 0.5
"""Time after the cell, in which the kernel tells the server that it is idle."""


def call_after_cell(function: Callable[[], None]) -> None:
    """Call a function when the running cell has ended and the kernel is idle.

    Jupyter Server drops the outputs of a kernel that sends too many (``iopub_data_rate_limit``,
    ``iopub_msg_rate_limit``), and does not say so to the kernel. It counts anew when the kernel is
    idle.

    Args:
        function: what it publishes belongs to the cell that runs now.
    """
    shell = get_ipython()
    if shell is None:
        return
    context = copy_context()  # ipykernel keeps the cell of an output in a context variable

    def on_end(result: Any) -> None:
        shell.events.unregister("post_run_cell", on_end)
        call_when_idle(function, context)

    shell.events.register("post_run_cell", on_end)


def call_when_idle(function: Callable[[], None], context: Context | None = None) -> None:
    """Call a function when the kernel is idle, at the end of a cell.

    Args:
        function: what is called.
        context: what it publishes belongs to the cell of this context.
    """
    # A kernel runs its cells in an event loop; a terminal does not, and drops no output.
    with suppress(RuntimeError):
        asyncio.get_running_loop().call_later(_PAUSE_SECONDS, function, context=context)
