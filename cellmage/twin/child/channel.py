"""The twin's end of the pipe, and the streams and displays that write to it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from io import TextIOBase
from typing import Any

from ..frames import MAX_BYTES, encode

_CHUNK = 64 * 1024


class Channel:
    """Sends messages to the parent; a process that the code forks has none.

    Args:
        descriptor: the end of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pid = os.getpid()
        self._lock = threading.RLock()

    @property
    def is_own(self) -> bool:
        """Whether this process is the twin, and no child of it."""
        return os.getpid() == self._pid

    def leave(self) -> None:
        """Close the pipe in a child of the twin; its streams then go to the descriptors."""
        with suppress(OSError):
            os.close(self._descriptor)

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message; one that is too long is replaced by a note."""
        if not self.is_own:
            return
        data = encode({"kind": kind, **fields})
        if len(data) > MAX_BYTES // 2:
            data = encode({"kind": "omitted", "what": kind, "bytes": len(data)})
        with self._lock:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]


class Stream(TextIOBase):
    """Standard output or error of the twin.

    Args:
        channel: where texts are sent.
        name: ``stdout`` or ``stderr``.
        descriptor: the descriptor of the same stream, for programs in C.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, channel: Channel, name: str, descriptor: int) -> None:
        self._channel = channel
        self.name = name
        self._number = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._number

    def isatty(self) -> bool:
        """Return False."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def write(self, text: str) -> int:
        """Send a text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not self._channel.is_own:
            os.write(self._number, text.encode("utf-8", "replace"))
            return len(text)
        for start in range(0, len(text), _CHUNK):
            self._channel.send(self.name, text=text[start : start + _CHUNK])
        return len(text)
