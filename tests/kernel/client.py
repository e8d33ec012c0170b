"""A front end in a few lines: it runs cells in a real kernel and keeps every message."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager


@dataclass
class Message:
    """A message of the kernel, and when it arrived (`time.monotonic()`)."""

    time: float
    type: str
    content: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def display_id(self) -> str | None:
        return self.content.get("transient", {}).get("display_id")

    @property
    def markdown(self) -> str:
        return self.content["data"].get("text/markdown", "")


def _listing(message: Message) -> dict[str, str]:
    """Return the data of a table that a magic shows; empty for other messages."""
    is_listing = message.content.get("metadata", {}).get("cellmage", {}).get("listing")
    return message.content["data"] if is_listing else {}


@dataclass
class Run:
    """The messages and the reply of one execute request."""

    messages: list[Message] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    reply_time: float = 0.0

    def of_type(self, *types: str) -> list[Message]:
        return [message for message in self.messages if message.type in types]

    @property
    def frames(self) -> list[Message]:
        return self.of_type("display_data", "update_display_data")

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The outputs at the end: display data in order, after all updates and clearings."""
        page: list[tuple[str | None, dict[str, Any]]] = []
        is_clearing = False
        for message in self.of_type("display_data", "update_display_data", "clear_output"):
            if message.type == "clear_output":
                is_clearing = bool(message.content["wait"])
                page = page if is_clearing else []
            elif message.type == "display_data":
                page = [*([] if is_clearing else page), (message.display_id, message.content)]
                is_clearing = False
            else:
                page = [
                    (key, message.content if key == message.display_id else content)
                    for key, content in page
                ]
        return [content for _, content in page]

    @property
    def texts(self) -> list[str]:
        """The plain text of each output at the end."""
        return [output["data"]["text/plain"] for output in self.outputs]

    @property
    def printed(self) -> str:
        """What a console prints: the text of streams, and of the tables that magics show."""
        messages = self.of_type("stream", "display_data")
        return "".join(
            message.content["text"] if message.type == "stream" else f"{data['text/plain']}\n"
            for message in messages
            if (data := _listing(message)) or message.type == "stream"
        )

    @property
    def listings(self) -> list[dict[str, str]]:
        """The data of the tables that magics show."""
        return [data for message in self.of_type("display_data") if (data := _listing(message))]

    @property
    def error(self) -> str:
        """The traceback as the notebook shows it; empty if the cell did not fail."""
        return "\n".join(self.reply.get("traceback") or [])

    @property
    def ok(self) -> bool:
        return bool(self.reply["status"] == "ok")


class Kernel:
    """A kernel with a home folder of its own.

    Args:
        home: the home folder, and the folder in which the kernel starts.
        env: further environment variables.
        module: the module that is run as the kernel, in place of ipykernel, with its arguments.
    """

    def __init__(
        self, home: Path, env: Mapping[str, str] | None = None, module: Sequence[str] = ()
    ) -> None:
        prefixes = ("OPENAI_", "CELLMAGE_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}
        folders = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "PYTHONFAULTHANDLER": "1",
        }
        self.manager = KernelManager(kernel_name="python3")
        if module:
            command = [sys.executable, "-m", *module, "-f", "{connection_file}"]
            self.manager.kernel_spec.argv = command
        self.manager.start_kernel(env=inherited | folders | dict(env or {}), cwd=str(home))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def start(
        self,
        code: str,
        cell_id: str | None = None,
        metadata: Any = None,
        subshell: str | None = None,
        **content: Any,
    ) -> str:
        """Send an execute request, and return its id."""
        request = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": True,
        } | content
        if metadata is None:
            metadata = {} if cell_id is None else {"cellId": cell_id}
        message = self.client.session.msg("execute_request", request, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(self, msg_id: str, run: Run | None = None, timeout: float = 60) -> Run:
        """Collect messages until the request is answered and the kernel is idle."""
        run = run or Run()
        self.collect(msg_id, run, timeout)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == msg_id:
                run.reply, run.reply_time = reply["content"], time.monotonic()
                return run

    def collect(
        self, msg_id: str, run: Run, timeout: float = 60, until: str = "", frames: int = 0
    ) -> Run:
        """Collect messages until the kernel is idle, or until a text or so many frames arrived."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                raw = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                self.manager.signal_kernel(signal.SIGABRT)  # faulthandler prints its threads
                time.sleep(1)
                raise
            if raw["parent_header"].get("msg_id") != msg_id:
                continue
            message = self.message(raw)
            run.messages.append(message)
            if message.type == "status" and message.content["execution_state"] == "idle":
                return run
            if until and until in str(message.content.get("data", "")):
                return run
            if frames and len(run.frames) >= frames:
                return run

    @staticmethod
    def message(raw: Mapping[str, Any]) -> Message:
        return Message(time.monotonic(), raw["msg_type"], raw["content"], raw.get("metadata", {}))

    def run(self, code: str, cell_id: str | None = None, **content: Any) -> Run:
        return self.finish(self.start(code, cell_id, **content))

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, by its repr."""
        content = {"user_expressions": {"v": f"repr({expression})"}, "store_history": False}
        reply = self.run("", **content).reply["user_expressions"]["v"]
        assert reply["status"] == "ok", reply
        return eval(eval(reply["data"]["text/plain"]))

    def control(self, kind: str, **content: Any) -> dict[str, Any]:
        """Send a request on the control channel, and return the content of the reply."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        reply: dict[str, Any] = self.client.get_control_msg(timeout=20)["content"]
        return reply

    def delete_subshells(self) -> None:
        """Delete all subshells, which tell our widgets that a page handles them there."""
        for subshell in self.control("list_subshell_request")["subshell_id"]:
            self.control("delete_subshell_request", subshell_id=subshell)

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def close(self) -> None:
        self.client.stop_channels()
        # A kernel that is killed writes no coverage data; a closed one cannot be asked to end.
        is_measured = "COVERAGE_PROCESS_CONFIG" in os.environ and self.manager.has_kernel
        self.manager.shutdown_kernel(now=not is_measured)
        self.manager.cleanup_resources()
