"""Notice what else writes to the cell of an answer: the prints and plots of a tool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakSet

from IPython.core.getipython import get_ipython

_active: WeakSet[OutputWatch] = WeakSet()


@contextmanager
def own_output() -> Iterator[None]:
    """Do not count what is published in the block as output of a tool."""
    with ExitStack() as stack:
        for watch in _active:
            stack.enter_context(watch.pause())
        yield


class OutputWatch:
    """Watch the outputs of the running cell in an ipykernel; in other kernels it sees nothing.

    Attributes:
        has_output: True if something was written since the watch began, by other code.
    """

    def __init__(self) -> None:
        self.has_output = False
        self._is_paused = False
        self._publisher: Any = getattr(get_ipython(), "display_pub", None)
        # `echo` is what ipykernel's streams copy their text to, on the thread that writes it.
        self._streams = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "echo")]
        for stream in self._streams:
            stream.echo = _Echo(self, stream.echo)
        if self._publisher is not None and hasattr(self._publisher, "register_hook"):
            self._publisher.register_hook(self._on_message)
        _active.add(self)

    def stop(self) -> None:
        """End the watch."""
        _active.discard(self)
        for stream in self._streams:
            if isinstance(stream.echo, _Echo):
                stream.echo = stream.echo.target
        if hasattr(self._publisher, "unregister_hook"):
            self._publisher.unregister_hook(self._on_message)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Do not count what is published in the block."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def _on_message(self, message: Any) -> Any:
        self.has_output = self.has_output or not self._is_paused
        return message


class _Echo:
    """Passes text on to the target of a stream's echo, and tells the watch."""

    def __init__(self, watch: OutputWatch, target: Any) -> None:
        self.target = target
        self._watch = watch

    def write(self, text: str) -> None:
        self._watch.has_output = True
        if self.target is not None:
            self.target.write(text)

    def flush(self) -> None:
        if self.target is not None:
            self.target.flush()
