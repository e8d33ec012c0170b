"""The forked process from its first line to its end, in order."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from ...describe import Level
from .channel import Channel, Stream
from .descriptors import replace_descriptors
from .guard import Guard
from .landlock import restrict
from .libraries import forbid_processes, prepare_libraries
from .lifetime import die_with_parent
from .mappings import make_private
from .memory import Usage, limit_memory
from .names import Names, variables
from .shell import adopt_shell, replace_streams, run_cell


@dataclass(frozen=True, slots=True)
class Job:
    """What the twin does.

    Args:
        code: the cell.
        shell: IPython's shell, or None.
        namespace: the variables of the cell; None is those of the shell.
        level: what may be described of tables.
        memory: the bytes that the cell may take.
        folder: the folder in which it may write files.
        random_state: the state of `random` before the fork, which seeds it anew.
    """

    code: str
    shell: Any
    namespace: dict[str, Any] | None
    level: Level
    memory: int
    folder: str
    random_state: Any


def live(job: Job, messages: int, stdout: int, stderr: int) -> NoReturn:
    """Be the twin, and leave.

    Args:
        job: what to do.
        messages: the pipe for messages.
        stdout: the pipe for what C programs print.
        stderr: the same, for errors.
    """
    status = 70
    try:
        os.setsid()
        _reset_signals()
        die_with_parent()
        make_private()
        replace_descriptors(stdout, stderr, [messages])
        channel = Channel(messages)
        os.register_at_fork(after_in_child=channel.leave)
        os.register_at_fork(after_in_child=die_with_parent)
        status = _play(job, channel)
    except BaseException as error:  # noqa: BLE001 - no frame of the parent may go on here
        with suppress(BaseException):
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _play(job: Job, channel: Channel) -> int:
    out, err = Stream(channel, "stdout", 1), Stream(channel, "stderr", 2)
    replace_streams(out, err)
    _calm_process(job)
    prepare_libraries(channel)
    shell = job.shell or _make_shell(job)
    if job.namespace is not None:
        for name in variables(shell):
            del shell.user_ns[name]
        shell.user_ns.update(job.namespace)
    adopt_shell(shell, channel)
    usage = Usage.now()
    limit_memory(job.memory)
    forbid_processes(channel)
    is_locked = restrict(job.folder)
    Guard(
        job.folder, lambda verb, target: channel.send("action", verb=verb, target=target)
    ).install()
    names = Names(shell)
    channel.send("begin", locked=is_locked)
    started = time.perf_counter()
    result = run_cell(shell, job.code)
    seconds = time.perf_counter() - started
    error = result.error_before_exec or result.error_in_exec
    channel.send(
        "end",
        error="" if error is None else f"{type(error).__name__}: {error}".removesuffix(": "),
        seconds=seconds,
        memory=usage.growth(),
        **names.changes(job.level),
    )
    return 0


def _reset_signals() -> None:
    """Leave the user's handlers but those that wake a loop of the parent or interrupt it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _calm_process(job: Job) -> None:
    """Take from the process what is its parent's: what acts at the end, on loops, in tracing."""
    gc.freeze()  # a collection would touch, and so copy, all that the parent has
    sys.settrace(None)
    sys.setprofile(None)
    atexit._clear()
    tempfile.tempdir = job.folder
    os.environ["TMPDIR"] = job.folder
    import random  # noqa: PLC0415

    random.setstate(job.random_state)


def _make_shell(job: Job) -> Any:
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)
