"""Let the buttons of a widget act while a cell runs.

JupyterLab (from 4.4) and Notebook (from 7.4) send the messages of widgets to a subshell of the
kernel, which is a thread beside the running cell. ipykernel 7.4 redirects them: a message goes to
the shell that last wrote to its widget, and that is the one with the running cell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..fork_locks import make_rlock

POLL_SECONDS = 0.02
WAIT_SECONDS = 1.0
"""How long a page may take to answer: 0.3 s was measured on an idle machine."""


def act_beside_cells(widget: Any) -> None:
    """Have the messages of a widget, and of what is in it, handled where the page sends them.

    Args:
        widget: a widget of ipywidgets.
    """
    for part in _parts(widget):
        if part.comm is not None:
            part.comm._reply_subshell_for = _as_sent


def close_whole(widget: Any) -> None:
    """Close a widget with all that is in it; ipywidgets closes the outermost alone."""
    for part in list(_parts(widget)):
        part.close()


def _parts(widget: Any) -> Iterator[Any]:
    """Yield a widget and what is in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _parts(child)


def _as_sent(data: Any, subshell_id: str | None) -> str | None:
    """Return the subshell that the page has named: what ipykernel asks before it redirects."""
    return subshell_id


Receive = Callable[[dict[str, Any]], object]
"""Takes a message of the page. It must return at once: all widgets have one thread."""


class ButtonSupport:
    """Whether buttons act while a cell runs: a page has sent a message beside the cells.

    Args:
        shell: the shell of a kernel.
    """

    def __init__(self, shell: Any) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)
        self._link: Any = None
        self._lock = make_rlock()
        self._number = self._told = 0
        self._is_stopped = False
        self._is_known = threading.Event()
        self._has_waited = False
        self._receivers: list[Receive] = []

    @property
    def is_possible(self) -> bool:
        """True if the kernel has subshells (ipykernel 7)."""
        return bool(getattr(self._kernel, "_supports_kernel_subshells", False))

    @property
    def is_known(self) -> bool:
        """True if a page has shown that its buttons act; nothing is sent to find out."""
        return self._is_known.is_set()

    def start(self) -> None:
        """Send the page a widget that is not shown; its JavaScript answers.

        It stays open, because a page removes the subshell with the last widget.
        """
        with self._lock:
            if self._link is not None or self._is_stopped or not self.is_possible:
                return
            try:
                from .answer_bar_view import PageLink  # noqa: PLC0415 - 0.2 s
            except ImportError:  # of anywidget
                return
            self._link = PageLink()
            self._link.on_msg(self._on_message)
            act_beside_cells(self._link)

    def is_there(self) -> bool:
        """Return whether buttons act; the first time, wait a moment for the page."""
        if not self.is_possible:
            return False
        self.start()
        if self._link is None:  # no page will answer
            return False
        self._is_known.wait(0 if self._has_waited else WAIT_SECONDS)
        self._has_waited = True
        return self.is_known

    def send(self, message: dict[str, Any]) -> int:
        """Send the JavaScript of the page a message, once it is known to be there.

        Messages are numbered, because Jupyter Server drops those of a kernel that sends too many.
        A page that misses one asks for it.

        Returns:
            The number of the message.
        """
        with self._lock:
            if self.is_known:
                self._number += 1
                self._link.send({**message, "number": self._number})
            return self._number

    def tell_number(self) -> None:
        """Send the number of the last message, if that was not sent since: it may be lost."""
        with self._lock:
            if self.is_known and self._told != self._number:
                self._told = self._number
                self._link.send({"type": "number", "number": self._number})

    def on_message(self, receive: Receive) -> None:
        """Call a function with the messages of the page; one of type ``here`` is of a new page."""
        self._receivers.append(receive)

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        # What arrives on the main thread has waited for a cell, or would have.
        is_main = threading.current_thread() is threading.main_thread()
        if is_main or not isinstance(content, dict):
            return
        kind = content.get("type")
        if kind == "here":
            self._is_known.set()
        if kind == "have" and content.get("number") == self._number:
            return  # nothing is lost
        if kind in ("here", "have"):
            with self._lock:
                self._link.send({"type": "known", "number": self._number})
        for receive in self._receivers:
            receive(content)

    def stop(self) -> None:
        """Close the hidden widget; a thread that is about to open it opens none."""
        with self._lock:
            self._is_stopped = True
            if self._link is not None:
                self._is_known.clear()
                self._link.close()
                self._link = None
