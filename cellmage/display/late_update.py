"""Publish a cell's last frames again after its end, because the server may have dropped them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from IPython.core.getipython import get_ipython

_PAUSE_SECONDS = 0.5
"""Time after the cell, in which the kernel tells the server that it is idle."""


def call_after_cell(function: Callable[[], None]) -> None:
    """Call a function on another thread soon after the running cell has ended.

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
        timer = threading.Timer(_PAUSE_SECONDS, context.run, [function])
        timer.daemon = True
        timer.start()

    shell.events.register("post_run_cell", on_end)
