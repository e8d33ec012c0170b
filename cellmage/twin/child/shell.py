"""The twin's IPython shell: the kernel's own, with its outputs on the pipe."""

from __future__ import annotations

import asyncio
import builtins
import functools
import getpass
import sys
import tokenize
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher

from .channel import Channel, Stream

_KEPT_CALLBACKS = ("__main__", "matplotlib_inline")
"""The modules whose functions IPython calls before and after a cell in the twin, too."""

_OWN = __name__.partition(".")[0]
"""Cells of the twin are no prompts, also where cells without a magic are."""


class Publisher(DisplayPublisher):
    """Sends what is displayed to the parent."""

    channel: Channel

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        source: Any = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **further: Any,
    ) -> None:
        """Send data by media types."""
        self.channel.send(
            "display",
            data=encodable(data),
            metadata=dict(metadata or {}),
            display_id=(transient or {}).get("display_id", ""),
            update=update,
        )

    def clear_output(self, wait: bool = False) -> None:
        """Send that what was displayed goes."""
        self.channel.send("clear")


class Hook(DisplayHook):
    """Sends the value of the last expression to the parent.

    Attributes:
        code: the cell; IPython would look for its semicolon in the history, which has none of it.
    """

    channel: Channel
    code = ""

    def quiet(self) -> bool:
        """Return whether the cell ends in a semicolon."""
        try:
            return bool(self.semicolon_at_end_of_expression(self.code))  # type: ignore[no-untyped-call]
        except (tokenize.TokenError, SyntaxError):
            return False

    def write_output_prompt(self) -> None:
        """Write no prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Send data by media types."""
        self.channel.send("result", data=encodable(format_dict), metadata=dict(md_dict or {}))

    def finish_displayhook(self) -> None:
        """Write no line end."""


def encodable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data by media types as JSON has it: bytes in base64.

    Example:
        >>> encodable({"image/png": b"abc", "text/plain": "abc"})
        {'image/png': 'YWJj', 'text/plain': 'abc'}
    """
    from base64 import b64encode  # noqa: PLC0415

    return {
        kind: b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def adopt_shell(shell: Any, channel: Channel) -> None:
    """Make a shell the twin's."""
    shell.display_pub = Publisher(shell=shell)  # type: ignore[no-untyped-call]
    shell.displayhook = Hook(shell=shell, cache_size=shell.cache_size)  # type: ignore[no-untyped-call]
    shell.display_pub.channel = shell.displayhook.channel = channel
    shell.displayhook.exec_result = None
    shell.display_trap.hook = sys.displayhook = shell.displayhook
    shell._showtraceback = lambda kind, error, lines: channel.send(
        "error", text="\n".join(lines), name=kind.__name__, value=str(error)
    )
    shell.history_manager.enabled = False
    shell.set_hook("show_in_pager", functools.partial(_print_page, channel), 0)
    shell.input_transformers_cleanup[:] = [
        function
        for function in shell.input_transformers_cleanup
        if not _module_of(function).startswith(_OWN)
    ]
    shell.events.callbacks = {
        name: [
            function for function in functions if _module_of(function).startswith(_KEPT_CALLBACKS)
        ]
        for name, functions in shell.events.callbacks.items()
    }
    _silence_kernel(getattr(shell, "kernel", None))
    builtins.input = getpass.getpass = _refuse_input


def _module_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__module__", ""))


def _print_page(channel: Channel, shell: Any, data: Any, *args: Any, **settings: Any) -> None:
    """Print what IPython shows beside the notebook."""
    text = data["text/plain"] if isinstance(data, Mapping) else data
    channel.send("stdout", text=f"{text}\n")


def _silence_kernel(kernel: Any) -> None:
    """Let a kernel send nothing, also for comms and widgets."""
    if kernel is None:
        return
    kernel.session.send = lambda *arguments, **settings: None
    kernel._allow_stdin = False


def _refuse_input(prompt: object = "", stream: object = None) -> NoReturn:
    """Refuse `input`."""
    raise EOFError("the code asks for input, and nobody can answer in the twin")


def replace_streams(out: Stream, err: Stream) -> None:
    """Replace standard output and error, also for those who have kept the old objects."""
    for name, stream in (("stdout", out), ("stderr", err)):
        for old in (getattr(sys, name), getattr(sys, f"__{name}__")):
            for method in ("write", "flush"):
                with suppress(AttributeError):  # else it writes to the descriptor, the twin's too
                    setattr(old, method, getattr(stream, method))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def run_cell(shell: Any, code: str) -> Any:
    """Run a cell as a kernel does: on a running loop, so that `asyncio.run` fails there, too.

    It may be called while another cell runs.

    Args:
        shell: the twin's shell.
        code: the cell.

    Returns:
        IPython's result.
    """
    outer = asyncio._get_running_loop()
    task = asyncio.current_task(outer) if outer else None
    if outer and task:
        asyncio.tasks._leave_task(outer, task)
    asyncio._set_running_loop(None)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_run_cell(shell, code))
    finally:
        asyncio._set_running_loop(outer)
        if outer and task:
            asyncio.tasks._enter_task(outer, task)


async def _run_cell(shell: Any, code: str) -> Any:
    """Do what ipykernel does with a cell."""
    problem = None
    try:
        transformed = shell.transform_cell(code)
    except Exception:  # noqa: BLE001 - IPython shows it
        transformed, problem = code, sys.exc_info()
    shell.displayhook.code = transformed
    try:
        result = await shell.run_cell_async(
            code,
            store_history=False,
            transformed_cell=transformed,
            preprocessing_exc_tuple=problem,
        )
    finally:
        shell.events.trigger("post_execute")
    shell.events.trigger("post_run_cell", result)
    return result
