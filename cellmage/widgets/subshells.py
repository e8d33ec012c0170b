"""Let the buttons of a widget act while a cell runs.

JupyterLab (from 4.4) and Notebook (from 7.4) send the messages of widgets to a subshell of the
kernel, which is a thread beside the running cell. ipykernel 7.4 redirects them: a message goes to
the shell that last wrote to its widget, and that is the one with the running cell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

POLL_SECONDS = 0.02
WAIT_SECONDS = 1.0
"""How long a page may take to make its subshell: 0.1 s was measured on an idle machine."""


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


class ButtonSupport:
    """Whether buttons act while a cell runs; known when a page has made a subshell for widgets.

    Args:
        shell: the shell of a kernel.
    """

    def __init__(self, shell: Any) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)
        self._probe: Any = None
        self._has_waited = False

    @property
    def is_possible(self) -> bool:
        """True if the kernel has subshells (ipykernel 7)."""
        return bool(getattr(self._kernel, "_supports_kernel_subshells", False))

    def start(self) -> None:
        """Send the page a widget that is not shown; it then makes its subshell.

        It stays open, because a page removes the subshell with the last widget.
        """
        if self._probe is None and self.is_possible:
            from ipywidgets import Layout  # noqa: PLC0415 - 0.2 s

            self._probe = Layout()

    def is_there(self) -> bool:
        """Return whether buttons act; the first time, wait a moment for the page."""
        if not self.is_possible:
            return False
        self.start()
        deadline = time.monotonic() + (0 if self._has_waited else WAIT_SECONDS)
        while not (is_there := self._has_subshell()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._has_waited = True
        return is_there

    def _has_subshell(self) -> bool:
        return bool(self._kernel.shell_channel_thread.manager.list_subshell())

    def stop(self) -> None:
        """Close the hidden widget."""
        if self._probe is not None:
            self._probe.close()
            self._probe = None
