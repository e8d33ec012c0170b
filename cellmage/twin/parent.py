"""Run code in the twin: fork, read what it sends, end it."""

from __future__ import annotations

import os
import random
import select
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from ..describe import Level
from .frames import BrokenFrameError, Decoder
from .free_memory import RESERVE, free_memory
from .limits import check_limits
from .outputs import Outputs
from .process import Process, fork
from .results import Action, BoundName, Output, Run

SECONDS = 30.0
_TICK_SECONDS = 0.05
_READ_BYTES = 256 * 1024
_MAX_ACTIONS = 100


def run(  # noqa: PLR0913 - options are a flat list
    code: str,
    *,
    seconds: float = SECONDS,
    memory: int | None = None,
    namespace: dict[str, Any] | None = None,
    level: Level = "stats",
    on_output: Callable[[Output], object] | None = None,
) -> Run:
    """Run code as a cell in a copy of this process; nothing of this process changes.

    Args:
        code: a cell of a notebook: Python, with magics.
        seconds: the time that it may take.
        memory: the bytes that it may take; None is what is free now.
        namespace: the variables; None is those of the notebook.
        level: what the descriptions of names may contain of tables.
        on_output: is called with each output as it arrives; texts arrive in pieces.

    Returns:
        what came of it; also of code that fails or is stopped.

    Raises:
        TwinError: there can be no twin here; nothing was run.
    """
    shell = _find_shell()
    check_limits(namespace if namespace is not None else getattr(shell, "user_ns", {}))
    from .child.main import Job, live  # noqa: PLC0415 - it needs IPython

    with ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="cellmage-twin-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        pipes = [_pipe(stack) for _ in range(3)]
        room = memory if memory is not None else max(free_memory() - RESERVE, RESERVE)
        job = Job(code, shell, namespace, level, room, folder, random.getstate())
        process = fork(
            lambda: live(job, *[write for _, write in pipes]),
            lambda process: stack.callback(process.end),
        )
        for _, write in pipes:
            os.close(write)
        reading = Reading(process, [read for read, _ in pipes], Outputs(on_output), room)
        reading.read(time.monotonic() + seconds, seconds)
        process.end()
        return reading.result()


def _find_shell() -> Any:
    from IPython.core.getipython import get_ipython  # noqa: PLC0415

    return get_ipython()


def _pipe(stack: ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    stack.callback(os.close, read)
    return read, write


class Reading:
    """What has arrived of a twin.

    Args:
        process: the twin.
        descriptors: the ends of its pipes: messages, output and errors of C programs.
        outputs: where outputs go.
        memory: the bytes that it may take.
    """

    def __init__(
        self, process: Process, descriptors: list[int], outputs: Outputs, memory: int
    ) -> None:
        self._process = process
        self._names = dict(zip(descriptors, ("messages", "stdout", "stderr"), strict=True))
        self._outputs = outputs
        self._memory = memory
        self._decoder = Decoder()
        self._actions: list[Action] = []
        self._end: Mapping[str, Any] = {}
        self._stopped = ""
        self._started = time.monotonic()
        self.is_locked = False

    def read(self, deadline: float, seconds: float) -> None:
        """Read until the twin has ended, or must end."""
        poll = select.poll()
        for descriptor in self._names:
            poll.register(descriptor, select.POLLIN)
        while not self._end and not self._stopped:
            left = deadline - time.monotonic()
            ready = poll.poll(max(0, min(left, _TICK_SECONDS)) * 1000)
            has_ended = not ready and self._process.poll()
            for descriptor, _ in ready:
                if not self._take(descriptor):
                    poll.unregister(descriptor)
                    has_ended = has_ended or self._names[descriptor] == "messages"
            if has_ended:
                break
            self._stopped = self._stopped or self._reason(left, seconds)
        for descriptor in self._names:  # what C programs have printed
            self._take(descriptor)

    def _reason(self, left: float, seconds: float) -> str:
        if left <= 0:
            return f"it took longer than {seconds:g} s"
        if free_memory() < RESERVE // 2:
            return "it took nearly all memory that was free"
        return ""

    def _take(self, descriptor: int) -> bool:
        """Read what is there; return whether more may come."""
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return True
        name = self._names[descriptor]
        if name != "messages":
            if data:
                self._outputs.add({"kind": name, "text": data.decode("utf-8", "replace")})
            return bool(data)
        try:
            for frame in self._decoder.feed(data):
                self._act(frame)
        except (BrokenFrameError, KeyError, TypeError):
            self._stopped = "it wrote to the pipe on which the twin reports"
        return bool(data)

    def _act(self, frame: Mapping[str, Any]) -> None:
        kind = frame["kind"]
        if kind == "begin":
            self.is_locked = bool(frame["locked"])
        elif kind == "end":
            self._end = frame
        elif kind == "action":
            if len(self._actions) < _MAX_ACTIONS:
                self._actions.append(Action(str(frame["verb"]), str(frame["target"])))
        else:
            self._outputs.add(frame)

    def result(self) -> Run:
        """Return what came of it."""
        end = self._end
        error = str(end.get("error", ""))
        if not end and not self._stopped:
            error = self._process.describe_end()
        return Run(
            self._outputs.all(),
            tuple(BoundName(**name) for name in end.get("bound", ())),
            tuple(end.get("deleted", ())),
            tuple(dict.fromkeys(self._actions)),
            error,
            self._stopped,
            float(end.get("seconds", time.monotonic() - self._started)),
            int(end.get("memory", 0)),
        )
