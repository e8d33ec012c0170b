"""The page of a chat panel in a few lines: it sends what the buttons send."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.kernel.client import Kernel, Message, Run


class PanelPage:
    """A panel that a cell has shown.

    Args:
        kernel: the kernel.
        run: the run of the cell.
    """

    def __init__(self, kernel: Kernel, run: Run) -> None:
        self.kernel = kernel
        self.run = run
        self.state: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.saved: list[str] = []
        self._log = self._find("LogView")
        self.prompt = self._find("PromptView")
        self._take(run.messages)

    def _find(self, name: str) -> str:
        for message in self.run.of_type("comm_open"):
            state = message.content["data"]["state"]
            if state.get("_anywidget_id", "").endswith(name):
                self.state |= {key: state[key] for key in state if not key.startswith("_")}
                return str(message.content["comm_id"])
        raise AssertionError(f"no {name} was opened")

    def _post(self, comm: str, data: dict[str, Any]) -> None:
        message = self.kernel.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.kernel.client.shell_channel.send(message)

    def set(self, **settings: Any) -> None:
        """Choose from the menus."""
        state = {"settings": settings}
        self._post(self.prompt, {"method": "update", "state": state, "buffer_paths": []})

    def send(self, kind: str, **content: Any) -> None:
        """Press a button."""
        is_log = kind in ("show", "retry", "edit", "copy")
        self._post(
            self._log if is_log else self.prompt,
            {"method": "custom", "content": {"type": kind, **content}},
        )

    def ask(self, prompt: str, **content: Any) -> None:
        """Send a prompt, and wait for the end of its answer."""
        self.send("send", prompt=prompt, **content)
        self.wait_for_end()

    def wait_for_end(self) -> None:
        before = self._count("end")
        self.until(lambda: self._count("end") > before)

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Wait for a further message of this kind, and return it."""
        before = self._count(kind)
        self.until(lambda: self._count(kind) > before)
        return self.messages[-1]

    def _count(self, kind: str) -> int:
        return sum(message["type"] == kind for message in self.messages)

    def run_cell(self, code: str, cell: str | None = None) -> Run:
        """Run a cell, and take what the panel sends meanwhile."""
        msg_id, run = self.kernel.start(code, cell), Run()
        while not any(message.content.get("execution_state") == "idle" for message in run.messages):
            raw = self.kernel.client.get_iopub_msg(timeout=60)
            message = self.kernel.message(raw)
            self._take([message])
            if raw["parent_header"].get("msg_id") == msg_id:
                run.messages.append(message)
        while not run.reply:
            reply = self.kernel.client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                run.reply = reply["content"]
        return run

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Take messages until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            raw = self.kernel.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            self._take([self.kernel.message(raw)])

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            content = message.content
            data = content.get("data", {})
            if message.type in ("display_data", "update_display_data"):
                self.saved.append(data.get("text/markdown", ""))
            elif message.type == "comm_msg" and content["comm_id"] in (self.prompt, self._log):
                self.state |= data.get("state", {})
                if data["method"] == "custom":
                    self.messages.append(data["content"])

    @property
    def keys(self) -> list[str]:
        """The ids of the answers, in order."""
        orders = [message["order"] for message in self.messages if "order" in message]
        return list(orders[-1]) if orders else []

    def custom(self, kind: str) -> dict[str, Any]:
        """Return the last message of a kind."""
        return [message for message in self.messages if message["type"] == kind][-1]
